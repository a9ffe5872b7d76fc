import { expect, test } from 'vitest';

import type { RecordingTrack, Source } from '../../protocol.ts';
import { openingMs } from './opening.ts';

function track(source: Source, startMs?: number): RecordingTrack {
  const bytes = { offset: 0, length: 1 };
  const fragments =
    startMs === undefined ? [] : [{ bytes, start_ms: startMs, end_ms: startMs + 1000, keyframe: true }];
  return { id: 'a', side: 'buyer', name: '', source, mime: '', url: '', init: bytes, fragments, turns: [] };
}

test('a replay opens when both pictures are there', () => {
  expect(openingMs([track('microphone', 0), track('camera', 120), track('camera', 310)])).toBe(310);
});

test('it does not wait for who came late, never came, or only spoke', () => {
  expect(openingMs([track('camera', 80), track('camera', 9_000), track('screen')])).toBe(80);
  expect(openingMs([track('microphone', 500)])).toBe(0);
});

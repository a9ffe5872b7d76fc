import { expect, test } from 'vitest';

import type { PartyLink, ServerMessage } from '../protocol.ts';
import { LiveState, linkWords } from './live.ts';

const link = (party: string, rest: Partial<PartyLink> = {}): PartyLink => ({
  party,
  link: 'good',
  video_paused: false,
  ...rest,
});

test('what is said of another call is not taken for ours', () => {
  const live = new LiveState();
  live.take({ type: 'speaking', call: 'old', speaker: 'a', speaking: ['a'] }, 'new');
  live.take({ type: 'quality', call: 'old', links: [link('a')] }, 'new');
  expect([live.speaker, live.speaks('a'), live.link('a')]).toEqual([undefined, false, undefined]);
  live.take({ type: 'speaking', call: 'new', speaker: 'a', speaking: ['a', 'b'] }, 'new');
  live.take({ type: 'quality', call: 'new', links: [link('b', { link: 'poor' })] }, 'new');
  expect([live.speaker, live.speaks('b'), live.link('b')?.link]).toEqual(['a', true, 'poor']);
  live.clearCall();
  expect([live.speaker, live.speaks('b'), live.link('b')]).toEqual([undefined, false, undefined]);
});

test('a question goes away with its own end only', () => {
  const live = new LiveState();
  const ask = { call: 'c', from: 'Anna', context: {} as never, expires_at: '' };
  live.take({ type: 'consult_asked', ask } as ServerMessage, undefined);
  live.take({ type: 'consult_ask_ended', call: 'other' }, undefined);
  expect(live.ask?.from).toBe('Anna');
  live.take({ type: 'consult_ask_ended', call: 'c' }, undefined);
  expect(live.ask).toBeUndefined();
});

test('an indicator says in words what there is to say', () => {
  expect(linkWords(link('a'))).toBe('Good connection');
  const poor = link('a', {
    link: 'poor',
    video_paused: true,
    rtt_ms: 480,
    loss_permille: 85,
    up_kbps: 300,
    down_kbps: 2400,
  });
  expect(linkWords(poor)).toBe(
    'Poor connection · video paused · 480 ms · 8.5 % lost · ↓ 2.4 Mbit/s · ↑ 300 kbit/s',
  );
});

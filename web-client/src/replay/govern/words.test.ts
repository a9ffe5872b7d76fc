import { expect, test } from 'vitest';

import { auditParameters } from './api.ts';
import { actorWords, detailWords, erasureWords, ruleWords, wholeWords } from './words.ts';

const entry = {
  number: 1,
  at: '2026-11-30T12:00:00Z',
  event: 'recording_played',
  about: 'recording:1',
  why: '',
  detail: {},
  hash: 'ab',
} as const;

test('an actor is told by name, or by what they are', () => {
  expect(actorWords({ ...entry, actor: 'user:1', actor_name: 'Rita' })).toBe('Rita');
  expect(actorWords({ ...entry, actor: 'server' })).toBe('The server');
  expect(actorWords({ ...entry, actor: 'shop:lumen' })).toBe('Shop lumen');
  expect(actorWords({ ...entry, actor: 'user:gone' })).toBe('user:gone');
});

test('a detail is told without what is empty', () => {
  expect(detailWords({ from: '192.0.2.1', denials: [], grants: ['play_unmasked'], queues: null })).toBe(
    'from: 192.0.2.1 · grants: ["play_unmasked"]',
  );
});

test('a signature is not shown whole', () => {
  expect(detailWords({ signature: 'x'.repeat(88) })).toBe(`signature: ${'x'.repeat(16)}…`);
});

test('a whole log says what it was compared with', () => {
  expect(wholeWords(1, 0)).toContain('One entry is chained without a break. There is no signed head');
  expect(wholeWords(17, 1)).toContain('the one signed head of earlier times agrees');
});

test('the rule that keeps a recording is named', () => {
  const kept = { until: '2026-12-30T12:00:00Z', days: 1, holds: [] };
  expect(ruleWords({ ...kept, rule: 'country' })).toBe('1 day, the most that the buyer’s country allows');
});

test('an erasure tells how far it is, and what was kept', () => {
  const asked = { id: '1', subject_sha256: 'ab', why: 'art. 17', requested_at: '2026-11-30T12:00:00Z' };
  expect(erasureWords({ ...asked, erased: 0 })).toBe('Erasing…');
  expect(erasureWords({ ...asked, erased: 2 })).toBe('Erasing… 2 recordings so far');
  const statement = {
    erasure: '1',
    shop: 'lumen',
    subject_sha256: 'ab',
    requested_at: asked.requested_at,
    finished_at: asked.requested_at,
    ids: 2,
    recordings: [{ recording: 'r', erased_at: asked.requested_at, archive: 'gone' as const }],
    calls: ['c', 'd'],
    kept: [{ call: 'e', because: 'hold' as const, hold: 'h' }],
  };
  const certificate = { statement, algorithm: 'Ed25519', public_key: '', signature: '' };
  expect(erasureWords({ ...asked, erased: 1, certificate })).toBe(
    '1 recording and what 2 calls knew of the buyer are erased. 1 call under hold or in progress was kept: erase again later.',
  );
});

test('a page of the log is asked for by whole days of the reader', () => {
  const query = { event: 'exported', actor: ' ', about: '', from: '2026-11-30', to: '2026-11-30' };
  const asked = auditParameters(query, '17');
  const hours = (Date.parse(asked.get('to') ?? '') - Date.parse(asked.get('from') ?? '')) / 3_600_000;
  expect(hours).toBe(24);
  expect([...asked.keys()]).toEqual(['event', 'from', 'to', 'limit', 'before']);
});

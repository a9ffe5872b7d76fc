import { expect, test } from 'vitest';

import type { ConsentReceipt, ConsentText } from '../../protocol.ts';
import { because, mustChoose } from './obstacles.ts';

test('what is missing is said to whom it concerns', () => {
  expect(because(['agent'], true)).toBe('you have not agreed');
  expect(because(['agent'], false)).toBe('the agent has not agreed');
  expect(because(['buyer'], true)).toBe('the buyer has not agreed');
  expect(because(['buyer', 'agent'], true)).toBe('neither of you has agreed');
  expect(because(['queue'], true)).toContain('queue');
  expect(because([], true)).toBe('');
});

test('the question comes once a version and language', () => {
  const words = { version: 'staff/2/90', language: 'de', text: 'Dürfen', sha256: 'ab' } as ConsentText;
  const receipt = { text_version: 'staff/2/90', language: 'de', recording: false } as ConsentReceipt;
  expect(mustChoose(words, undefined)).toBe(true);
  expect(mustChoose(words, receipt)).toBe(false);
  expect(mustChoose({ ...words, version: 'staff/3/90' }, receipt)).toBe(true);
  expect(mustChoose({ ...words, language: 'fr' }, receipt)).toBe(true);
  expect(mustChoose(undefined, undefined), 'before the words are there').toBe(false);
});

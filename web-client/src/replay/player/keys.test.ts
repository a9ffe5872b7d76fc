import { expect, test } from 'vitest';

import { commandOf, PLAYER_SHORTCUTS } from './keys.ts';

test('caps lock changes nothing and other keys mean nothing', () => {
  expect(commandOf('J')).toEqual(commandOf('j'));
  expect(commandOf('ArrowLeft')).toEqual({ do: 'skip', byMs: -5_000 });
  for (const key of ['Enter', 'Tab', 'q', 'constructor', 'toString']) expect(commandOf(key)).toBeUndefined();
});

test('every key of the list does something', () => {
  const names: Record<string, string> = {
    Space: ' ',
    '←': 'ArrowLeft',
    '→': 'ArrowRight',
    PgUp: 'PageUp',
    PgDn: 'PageDown',
  };
  for (const { keys } of PLAYER_SHORTCUTS) {
    for (const key of keys) expect(commandOf(names[key] ?? key), key).toBeDefined();
  }
});

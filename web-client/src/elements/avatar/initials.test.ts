import { expect, test } from 'vitest';

import { initials } from './initials.ts';

test('two words give two letters, one word one, none nothing', () => {
  expect(initials('Mina Okafor')).toBe('MO');
  expect(initials('Lumen & Co. support')).toBe('LS');
  expect(initials('Ana')).toBe('A');
  expect(initials('  ')).toBe('');
});

test('accents stay on their letters', () => {
  expect(initials('E\u0301lodie Ça')).toBe('E\u0301Ç');
});

import { expect, test } from 'vitest';

import { watermarkWords } from './watermark.ts';

test('a watermark says who watches and when', () => {
  const me = { name: 'Rita Voss', email: 'rita@lumen.example' };
  expect(watermarkWords(me, new Date('2026-11-30T12:34:56Z'))).toBe(
    'Rita Voss · rita@lumen.example · 2026-11-30 12:34 UTC',
  );
  expect(watermarkWords(undefined, new Date('2026-11-30T12:34:56Z'))).toBe('2026-11-30 12:34 UTC');
});

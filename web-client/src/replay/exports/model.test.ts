import { expect, test } from 'vitest';

import { parseTime, readRows, remaining, sizeWords, timeText } from './model.ts';

test('times are read as people write them, and nothing else is', () => {
  for (const [text, ms] of [
    ['1:05', 65_000],
    [' 1:02:03.5 ', 3_723_500],
    ['65', 65_000],
    ['0:00', 0],
    ['90:00', 5_400_000],
    ['2,25', 2_250],
  ] as const) {
    expect(parseTime(text), text).toBe(ms);
  }
  for (const text of ['', 'x', '1:75', '1:60:00', '-1', '1:2:3:4', '1.2.3']) {
    expect(parseTime(text), text).toBeUndefined();
  }
});

test('what is shown of a place is read back as that place', () => {
  for (const ms of [0, 900, 59_900, 65_000, 3_600_000, 3_723_500]) {
    expect(parseTime(timeText(ms))).toBe(ms);
  }
});

test('a row with a mistake is named, an empty one is no row', () => {
  const rows = [
    { from: '0:10', to: '0:20' },
    { from: '', to: ' ' },
    { from: '0:30', to: '0:30' },
    { from: 'now', to: '0:40' },
    { from: '9:00', to: '9:10' },
    { from: '0:50', to: '5:00' },
  ];
  const { redactions, problems } = readRows(rows, 60_000);
  expect(redactions).toEqual([
    { start_ms: 10_000, end_ms: 20_000 },
    { start_ms: 50_000, end_ms: 60_000 },
  ]);
  expect([...problems.keys()]).toEqual([2, 3, 4]);
});

test('what remains counts stretches that overlap once', () => {
  const stretches = [
    { start_ms: 5_000, end_ms: 9_000 },
    { start_ms: 1_000, end_ms: 6_000 },
    { start_ms: 2_000, end_ms: 3_000 },
  ];
  expect(remaining(stretches, 10_000)).toBe(2_000);
  expect(remaining([{ start_ms: 0, end_ms: 99_000 }], 10_000)).toBe(0);
});

test('sizes are told with a unit that fits', () => {
  expect([300, 84_000, 12_400_000, 999_900_000].map(sizeWords)).toEqual([
    '1 kB',
    '84 kB',
    '12.4 MB',
    '1.0 GB',
  ]);
});

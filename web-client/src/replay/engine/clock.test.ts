import { expect, test } from 'vitest';

import { MasterClock } from './clock.ts';

test('the clock stands until it is started and after it is stopped', () => {
  const clock = new MasterClock();
  expect(clock.at(5_000)).toBe(0);
  clock.start(5_000);
  expect(clock.at(6_500)).toBe(1_500);
  clock.stop(7_000);
  expect(clock.at(60_000)).toBe(2_000);
  clock.start(60_000);
  expect(clock.at(60_010)).toBe(2_010);
});

test('a change of rate makes no jump', () => {
  const clock = new MasterClock();
  clock.start(0);
  clock.setRate(3, 1_000);
  expect(clock.at(1_000)).toBe(1_000);
  expect(clock.at(2_000)).toBe(4_000);
  clock.setRate(0.5, 2_000);
  expect(clock.at(4_000)).toBe(5_000);
});

test('a jump takes effect at once, running or not', () => {
  const clock = new MasterClock();
  clock.set(42_000, 10);
  expect(clock.at(500)).toBe(42_000);
  clock.start(500);
  clock.set(1_000, 600);
  expect(clock.at(700)).toBe(1_100);
  expect(clock.running).toBe(true);
});

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { Autosave } from './autosave.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('many quick changes are saved once, the newest', async () => {
  const saved: number[] = [];
  const autosave = new Autosave<number>(
    async (value) => void saved.push(value),
    () => {},
  );
  for (const value of [1, 2, 3]) {
    autosave.set(value);
    await vi.advanceTimersByTimeAsync(300);
  }
  expect([saved, autosave.unsaved]).toEqual([[], true]);
  await vi.advanceTimersByTimeAsync(800);
  expect([saved, autosave.unsaved, autosave.state.kind]).toEqual([[3], false, 'saved']);
});

test('what changes while it is saved is saved afterwards', async () => {
  const saved: number[] = [];
  let finish = () => {};
  const autosave = new Autosave<number>(
    (value) =>
      new Promise((resolve) => {
        finish = () => {
          saved.push(value);
          resolve();
        };
      }),
    () => {},
  );
  autosave.set(1);
  await vi.advanceTimersByTimeAsync(800);
  autosave.set(2);
  finish();
  await vi.advanceTimersByTimeAsync(0);
  expect([saved, autosave.state.kind]).toEqual([[1], 'dirty']);
  await vi.advanceTimersByTimeAsync(800);
  finish();
  await vi.advanceTimersByTimeAsync(0);
  expect([saved, autosave.unsaved]).toEqual([[1, 2], false]);
});

test('a failure is told and tried again by itself, and nothing is lost', async () => {
  let works = false;
  const saved: number[] = [];
  const autosave = new Autosave<number>(
    async (value) => {
      if (!works) throw new Error('The server cannot be reached.');
      saved.push(value);
    },
    () => {},
  );
  autosave.set(1);
  await vi.advanceTimersByTimeAsync(800);
  expect(autosave.state).toEqual({ kind: 'failed', message: 'The server cannot be reached.' });
  expect(autosave.stuck).toBe(true);
  expect(await autosave.flush()).toBe(false);
  works = true;
  await vi.advanceTimersByTimeAsync(5_000);
  expect([saved, autosave.unsaved, autosave.stuck]).toEqual([[1], false, false]);
});

test('flushing saves at once, dropping never', async () => {
  const saved: number[] = [];
  const autosave = new Autosave<number>(
    async (value) => void saved.push(value),
    () => {},
  );
  autosave.set(1);
  expect(await autosave.flush()).toBe(true);
  autosave.set(2);
  autosave.drop();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(saved).toEqual([1]);
});

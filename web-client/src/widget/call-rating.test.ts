import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { NewRating } from '../protocol.ts';
import { ProblemError } from '../session/rest.ts';
import { CallRating } from './call-rating.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const refusal = (code: string) =>
  new ProblemError({ type: `/problems/${code}`, title: 'No', status: 409, detail: '' });

test('stars are sent once the choice has settled, words at once and with the stars', async () => {
  const sent: NewRating[] = [];
  const rating = new CallRating(async (one) => sent.push(one));
  for (const stars of [1, 2, 3, 4]) rating.choose(stars);
  expect([rating.state, sent.length]).toEqual(['saving', 0]);
  await vi.advanceTimersByTimeAsync(500);
  expect(sent).toEqual([{ stars: 4 }]);
  expect(rating.state).toBe('saved');
  rating.say('  Very patient. ');
  await vi.advanceTimersByTimeAsync(0);
  expect(sent.at(-1)).toEqual({ stars: 4, comment: 'Very patient.' });
});

test('what is changed while the one before is on its way is sent after it', async () => {
  const sent: number[] = [];
  const answers: (() => void)[] = [];
  const rating = new CallRating(
    ({ stars }) =>
      new Promise<void>((resolve) => {
        sent.push(stars);
        answers.push(resolve);
      }),
  );
  rating.choose(5);
  await vi.advanceTimersByTimeAsync(500);
  rating.choose(2);
  await vi.advanceTimersByTimeAsync(500);
  expect(sent).toEqual([5]);
  answers[0]?.();
  await vi.advanceTimersByTimeAsync(0);
  expect([sent, rating.state]).toEqual([[5, 2], 'saving']);
  answers[1]?.();
  await vi.advanceTimersByTimeAsync(0);
  expect(rating.state).toBe('saved');
});

test('closing the window sends what was chosen a moment ago, and nothing twice', async () => {
  const send = vi.fn(async () => undefined);
  const rating = new CallRating(send);
  rating.flush();
  expect(send).not.toHaveBeenCalled();
  rating.choose(3);
  rating.flush();
  await vi.advanceTimersByTimeAsync(1_000);
  rating.flush();
  expect(send).toHaveBeenCalledTimes(1);
});

test('a failure can be tried again, a rating that is closed cannot', async () => {
  let answer: () => Promise<unknown> = () => Promise.reject(new TypeError('offline'));
  const rating = new CallRating(() => answer());
  rating.choose(1);
  await vi.advanceTimersByTimeAsync(500);
  expect(rating.state).toBe('failed');
  answer = async () => undefined;
  await rating.save();
  expect(rating.state).toBe('saved');
  answer = () => Promise.reject(refusal('rating_closed'));
  rating.choose(2);
  await vi.advanceTimersByTimeAsync(500);
  expect(rating.state).toBe('closed');
});

import { expect, test } from 'vitest';

import type { Fragment } from '../../protocol.ts';
import { type BufferLimits, type Held, planBuffer } from './buffer-plan.ts';
import { TrackTimeline } from './timeline.ts';

const LIMITS: BufferLimits = { aheadMs: 30_000, behindMs: 10_000, requestMs: 8_000, requestBytes: 100_000 };

/** `count` fragments of 2 s and 1,000 bytes; every `gop`-th begins with a keyframe. */
function video(
  count: number,
  gop = 1,
  change?: (fragment: Fragment, index: number) => Fragment,
): TrackTimeline {
  const fragments = Array.from({ length: count }, (_, index): Fragment => {
    const fragment = {
      bytes: { offset: 300 + index * 1_000, length: 1_000 },
      start_ms: index * 2_000,
      end_ms: (index + 1) * 2_000,
      keyframe: index % gop === 0,
    };
    return change?.(fragment, index) ?? fragment;
  });
  return new TrackTimeline(fragments, 'video');
}

/** Runs the plan until it rests, as the feed does; returns what is held and the number of requests. */
function settle(
  timeline: TrackTimeline,
  playheadMs: number,
  start?: Held,
): { held: Held | undefined; requests: number } {
  let held = start;
  let requests = 0;
  for (let round = 0; round < 1_000; round += 1) {
    const step = planBuffer(timeline, held, playheadMs, LIMITS);
    switch (step.kind) {
      case 'rest':
      case 'end':
        return { held, requests };
      case 'reset':
        held = undefined;
        break;
      case 'trim':
        held = held && { first: step.first, last: held.last };
        break;
      case 'append':
        requests += 1;
        held = { first: held?.first ?? step.first, last: step.last };
        break;
    }
  }
  throw new Error('the plan never rests');
}

test('the first request after opening is short, so that the picture comes soon', () => {
  expect(planBuffer(video(100), undefined, 0, LIMITS)).toEqual({
    kind: 'append',
    first: 0,
    last: 0,
    bytes: { offset: 300, length: 1_000 },
  });
});

test('a seek into a long group of pictures fetches all of it in one go', () => {
  const step = planBuffer(video(100, 10), undefined, 37_000, LIMITS);
  expect(step).toMatchObject({ kind: 'append', first: 10, bytes: { offset: 10_300 } });
  expect(step.kind === 'append' && step.last).toBeGreaterThanOrEqual(18);
});

test('however long the recording, about 30 s ahead and 10 s behind are held', () => {
  const timeline = video(3_600);
  let held: Held | undefined;
  for (let playheadMs = 0; playheadMs < 600_000; playheadMs += 250) {
    held = settle(timeline, playheadMs, held).held;
    const first = (held?.first ?? 0) * 2_000;
    const last = ((held?.last ?? 0) + 1) * 2_000;
    expect(last - playheadMs).toBeGreaterThanOrEqual(20_000);
    expect(last - playheadMs).toBeLessThanOrEqual(34_000);
    expect(playheadMs - first).toBeLessThanOrEqual(18_000);
  }
});

test('requests are long stretches, not one for every fragment', () => {
  let held: Held | undefined;
  let requests = 0;
  for (let playheadMs = 0; playheadMs < 120_000; playheadMs += 250) {
    const result = settle(video(3_600), playheadMs, held);
    held = result.held;
    requests += result.requests;
  }
  expect(requests).toBeLessThan(25);
});

test('trimming ends at a keyframe, or the browser would remove up to the next one', () => {
  const timeline = video(100, 10);
  const step = planBuffer(timeline, { first: 0, last: 40 }, 55_000, LIMITS);
  expect(step).toEqual({ kind: 'trim', first: 20, endMs: 40_000 });
});

test('a short skip back needs no request, a long one starts again there', () => {
  const timeline = video(100);
  const { held } = settle(timeline, 60_000, { first: 25, last: 40 });
  expect(planBuffer(timeline, held, 52_000, LIMITS).kind).toBe('rest');
  expect(planBuffer(timeline, held, 4_000, LIMITS)).toEqual({ kind: 'reset' });
});

test('a long skip forward starts again there', () => {
  expect(planBuffer(video(100), { first: 0, last: 15 }, 150_000, LIMITS)).toEqual({ kind: 'reset' });
});

test('in a gap the media after it is loaded when it is near, not when it is far', () => {
  const late = video(20, 1, (fragment) => ({
    ...fragment,
    start_ms: fragment.start_ms + 60_000,
    end_ms: fragment.end_ms + 60_000,
  }));
  expect(planBuffer(late, undefined, 0, LIMITS)).toEqual({ kind: 'rest' });
  expect(planBuffer(late, undefined, 35_000, LIMITS)).toMatchObject({ kind: 'append', first: 0 });
});

test('after the last fragment the stream is ended, and past the end nothing is fetched', () => {
  const timeline = video(5);
  expect(planBuffer(timeline, { first: 0, last: 4 }, 5_000, LIMITS)).toEqual({ kind: 'end' });
  expect(planBuffer(timeline, undefined, 11_000, LIMITS)).toEqual({ kind: 'rest' });
});

test('a request never spans bytes that belong to no fragment, and keeps to its size', () => {
  const holed = video(20, 1, (fragment, index) =>
    index < 3 ? fragment : { ...fragment, bytes: { ...fragment.bytes, offset: fragment.bytes.offset + 77 } },
  );
  expect(planBuffer(holed, { first: 0, last: 0 }, 0, LIMITS)).toMatchObject({
    kind: 'append',
    first: 1,
    last: 2,
  });
  const heavy = video(20, 1, (fragment, index) => ({
    ...fragment,
    bytes: { offset: 300 + index * 70_000, length: 70_000 },
  }));
  expect(planBuffer(heavy, { first: 0, last: 0 }, 0, LIMITS)).toMatchObject({
    kind: 'append',
    first: 1,
    last: 1,
  });
});

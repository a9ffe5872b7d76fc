import { expect, test } from 'vitest';

import { frozenPicture, type Glance, quality, recovery, type Sample } from './meter.ts';

/** A picture every 33 ms with its counter, from `from` to `to`. */
const playing = (from: number, to: number): Glance[] =>
  Array.from({ length: Math.floor((to - from) / 33) }, (_, i) => {
    const at = from + 33 * i;
    return { at, counter: Math.round(at / 33) % 300 };
  });

const still = (at: number): Sample => ({
  at,
  videoBytes: 0,
  audioBytes: 0,
  framesDecoded: 0,
  freezes: 0,
  frozenMs: 0,
  concealed: 0,
  silentConcealed: 0,
  audioSamples: 0,
  audioLost: 0,
  audioDelayMs: 0,
  videoDelayMs: 0,
  nacks: 0,
  plis: 0,
  keyframes: 0,
  width: 0,
  height: 0,
  sentVideoBytes: 0,
  sentAudioBytes: 0,
  framesSent: 0,
  framesCaptured: 0,
  rttMs: 0,
  availableKbps: 0,
});

test('a picture that plays is not frozen; one that stands is, whether it comes no more or comes again and again', () => {
  expect(frozenPicture(playing(0, 5_000), 0, 5_000).frozenMs).toBe(0);
  const stopped = [...playing(0, 2_000), ...playing(3_000, 5_000)];
  const { frozenMs, longestMs, at } = frozenPicture(stopped, 0, 5_000);
  expect(frozenMs).toBeGreaterThan(950);
  expect(frozenMs).toBeLessThan(1_100);
  expect(longestMs).toBe(frozenMs);
  expect(at).toHaveLength(1);
  const repeated = playing(0, 5_000).map((glance) =>
    glance.at >= 2_000 && glance.at < 3_000 ? { ...glance, counter: 60 } : glance,
  );
  expect(frozenPicture(repeated, 0, 5_000).frozenMs).toBeGreaterThan(950);
});

test('a picture that never comes, or stops for good, is frozen to the end', () => {
  expect(frozenPicture([], 0, 4_000).frozenMs).toBe(4_000);
  expect(frozenPicture(playing(0, 1_000), 0, 4_000).frozenMs).toBeGreaterThan(2_900);
});

test('a slow picture is slow, not frozen', () => {
  const slow = Array.from({ length: 50 }, (_, i) => ({ at: 100 * i, counter: (3 * i) % 300 }));
  expect(frozenPicture(slow, 0, 5_000).frozenMs).toBe(0);
});

test('made-up silence is no loss, made-up sound is', () => {
  const first = still(0);
  const last = { ...still(10_000), audioSamples: 480_000, concealed: 9_600, silentConcealed: 4_800 };
  const seen = quality({ samples: [first, last], glances: [] });
  expect(seen.concealed).toBeCloseTo(0.01);
  expect(seen.concealedAll).toBeCloseTo(0.02);
});

test('the time until the rate is back counts from when the network is', () => {
  let videoBytes = 0;
  const samples = Array.from({ length: 121 }, (_, i) => {
    const at = 500 * i;
    // 1 Mbit/s, from second 15 on a tenth of it, back at second 38 while the network is back at 35.
    videoBytes += ((at > 15_000 && at <= 38_000 ? 100 : 1_000) * 500) / 8;
    return { ...still(at), videoBytes };
  });
  const { beforeKbps, lowKbps, seconds } = recovery({ samples, glances: [] }, { since: 15_000, at: 35_000 });
  expect(beforeKbps).toBeCloseTo(1_000, -1);
  expect(lowKbps).toBeCloseTo(100, -1);
  expect(seconds).toBeGreaterThanOrEqual(3);
  expect(seconds).toBeLessThan(4.2);
  const never = samples.map((sample) => ({ ...sample, videoBytes: Math.min(sample.videoBytes, 2_000_000) }));
  expect(recovery({ samples: never, glances: [] }, { since: 15_000, at: 35_000 }).seconds).toBeUndefined();
});

import { expect, test } from 'vitest';
import { BURST_HZ, BURST_SECONDS, burstDetector } from './burst.ts';

const RATE = 48_000;

/** Three seconds of loud low sound with bursts at the given seconds. */
function sound(...bursts: number[]): Float32Array {
  const samples = new Float32Array(3 * RATE);
  for (let i = 0; i < samples.length; i++) {
    samples[i] =
      0.2 * Math.sin((2 * Math.PI * 220 * i) / RATE) + 0.1 * Math.sin((2 * Math.PI * 1_900 * i) / RATE);
    for (const burst of bursts) {
      const since = i / RATE - burst;
      if (since >= 0 && since < BURST_SECONDS) samples[i] = 0.5 * Math.sin(2 * Math.PI * BURST_HZ * since);
    }
  }
  return samples;
}

test('bursts are found where they are, however the sound is cut into pieces', () => {
  const samples = sound(0.5, 1.5, 2.5);
  for (const piece of [100, 441, 960, 48_000]) {
    const detect = burstDetector(RATE, BURST_HZ);
    const found: number[] = [];
    for (let at = 0; at < samples.length; at += piece) {
      for (const offset of detect(samples.subarray(at, at + piece))) found.push(at / RATE + offset);
    }
    expect(found).toHaveLength(3);
    for (const [i, at] of found.entries()) expect(Math.abs(at - (i + 0.5))).toBeLessThan(0.004);
  }
});

test('sound without bursts has none, nor has silence', () => {
  expect(burstDetector(RATE, BURST_HZ)(sound())).toEqual([]);
  expect(burstDetector(RATE, BURST_HZ)(new Float32Array(RATE))).toEqual([]);
});

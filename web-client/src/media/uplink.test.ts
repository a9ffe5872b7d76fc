import { expect, test } from 'vitest';

import { UNLIMITED, UplinkProbing, withBandwidth } from './uplink.ts';

const WANTED = 1_700_000;

/** Looks once a second at what the estimate is by then; what was done, by second. */
function run(probing: UplinkProbing, available: (second: number) => number, from: number, to: number) {
  const done: [number, number][] = [];
  for (let second = from; second < to; second += 1) {
    const limit = probing.look({ at: 1_000 * second, available: available(second), wanted: WANTED });
    if (limit !== undefined) done.push([second, limit]);
  }
  return done;
}

test('a link that is wide, or was never wider, is left alone', () => {
  expect(run(new UplinkProbing(), () => 3_000_000, 0, 60)).toEqual([]);
  expect(run(new UplinkProbing(), (second) => 200_000 + 10_000 * second, 0, 60)).toEqual([]);
});

test('after a fall it is tried a little every few seconds, and without limit once that helped', () => {
  const probing = new UplinkProbing();
  run(probing, () => 2_000_000, 0, 10);
  const low = run(probing, () => 200_000, 10, 20);
  expect(low.map(([second]) => second)).toEqual([13, 16, 19]);
  expect(new Set(low.map(([, limit]) => limit))).toEqual(new Set([600_000]));
  // The network is back: the probe of second 22 shows it.
  const back = run(probing, (second) => (second <= 22 ? 200_000 : 450_000), 20, 26);
  expect(back).toEqual([
    [22, 600_000],
    [24, UNLIMITED],
  ]);
  expect(run(probing, () => 1_900_000, 26, 40)).toEqual([]);
});

test('a limit of ours does not outlive the weakness', () => {
  const probing = new UplinkProbing();
  run(probing, () => 2_000_000, 0, 10);
  expect(run(probing, () => 200_000, 10, 14)).toEqual([[13, 600_000]]);
  expect(run(probing, () => 1_500_000, 14, 30)).toEqual([[14, UNLIMITED]]);
});

test('a link that stays narrow is tried less and less, and then is what it is', () => {
  const probing = new UplinkProbing();
  run(probing, () => 2_000_000, 0, 10);
  const first = run(probing, () => 200_000, 10, 40).length;
  const second = run(probing, () => 200_000, 70, 100).length;
  const later = run(probing, () => 200_000, 140, 300).map(([, limit]) => limit);
  expect(first).toBeGreaterThan(8);
  expect(second).toBeLessThan(first / 2);
  // The limit of the last attempt is taken away, and that is all.
  expect(later).toEqual([UNLIMITED]);
});

test('figures that are missing or nonsense change nothing', () => {
  const probing = new UplinkProbing();
  run(probing, () => 2_000_000, 0, 10);
  expect(run(probing, () => Number.NaN, 10, 30)).toEqual([]);
  expect(run(probing, () => 0, 30, 60)).toEqual([]);
});

test('the maximum goes where the camera is taken, and replaces an older one', () => {
  const answer = [
    'v=0',
    'm=audio 9 UDP/TLS/RTP/SAVPF 111',
    'c=IN IP4 0.0.0.0',
    'a=recvonly',
    'm=video 9 UDP/TLS/RTP/SAVPF 96',
    'c=IN IP4 0.0.0.0',
    'a=sendonly',
    'm=video 9 UDP/TLS/RTP/SAVPF 96',
    'c=IN IP4 0.0.0.0',
    'a=mid:1',
    'a=recvonly',
    'm=video 9 UDP/TLS/RTP/SAVPF 96',
    'c=IN IP4 0.0.0.0',
    'a=recvonly',
    '',
  ].join('\r\n');
  const once = withBandwidth(answer, 600_000);
  expect(once.split('\r\n')[9]).toBe('b=AS:600');
  expect(once.replace('b=AS:600\r\n', '')).toBe(answer);
  expect(withBandwidth(once, 700_000)).toBe(once.replace('600', '700'));
});

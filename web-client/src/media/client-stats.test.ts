import { expect, test } from 'vitest';

import { clientStats, totals } from './client-stats.ts';

function report(at: number, factor: number): Map<string, object> {
  const entries = [
    {
      id: 'T',
      type: 'transport',
      timestamp: at,
      selectedCandidatePairId: 'P',
      bytesReceived: 100_000 * factor,
      bytesSent: 50_000 * factor,
    },
    { id: 'P', type: 'candidate-pair', currentRoundTripTime: 0.042 },
    { id: 'Q', type: 'candidate-pair', currentRoundTripTime: 9 },
    {
      id: 'A',
      type: 'inbound-rtp',
      kind: 'audio',
      timestamp: at,
      packetsReceived: 100 * factor,
      packetsLost: 2 * factor,
      jitter: 0.004,
      concealedSamples: 3_000 * factor,
      silentConcealedSamples: 1_000 * factor,
      totalSamplesReceived: 96_000 * factor,
    },
    {
      id: 'V',
      type: 'inbound-rtp',
      kind: 'video',
      timestamp: at,
      packetsReceived: 200 * factor,
      packetsLost: 1 * factor,
      jitter: 0.009,
      freezeCount: factor,
      totalFreezesDuration: 0.3 * factor,
      framesDecoded: 60 * factor,
    },
    { id: 'O', type: 'outbound-rtp', kind: 'video', timestamp: at, packetsSent: 1_000_000 },
  ];
  return new Map(entries.map((entry) => [entry.id, entry]));
}

test('two reports make what happened between them', () => {
  expect(clientStats(totals(report(10_000, 1)), totals(report(12_000, 2)))).toEqual({
    period_ms: 2_000,
    freezes: 1,
    frozen_ms: 300,
    frames_decoded: 60,
    concealed_samples: 2_000,
    audio_samples: 96_000,
    packets_received: 300,
    packets_lost: 3,
    jitter_ms: 9,
    rtt_ms: 42,
    down_kbps: 400,
    up_kbps: 200,
  });
});

test('a new connection counts from zero: nothing to compare', () => {
  expect(clientStats(totals(report(10_000, 5)), totals(report(12_000, 1)))).toBeUndefined();
  expect(clientStats(totals(report(10_000, 1)), totals(report(10_050, 2)))).toBeUndefined();
  expect(clientStats(totals(report(10_000, 1)), totals(new Map()))).toBeUndefined();
});

test('packets that turn up after all are no negative loss', () => {
  const before = { ...totals(report(10_000, 1)), packetsLost: 9 };
  expect(clientStats(before, totals(report(12_000, 2)))?.packets_lost).toBe(0);
});

/** What this client noticed over the last seconds, for the server's quality timeline: differences of `getStats` totals. */
import type { ClientStats } from '../protocol.ts';

/** Totals at one moment. */
export interface Totals {
  /** Milliseconds, any origin. */
  at: number;
  freezes: number;
  frozenMs: number;
  framesDecoded: number;
  concealed: number;
  audioSamples: number;
  packetsReceived: number;
  packetsLost: number;
  bytesReceived: number;
  bytesSent: number;
  /** These two are not totals but as they are now. */
  jitterMs: number;
  rttMs: number | undefined;
}

type Entry = Record<string, unknown>;

/** Adds up a report. */
export function totals(report: { forEach(each: (entry: unknown) => void): void }): Totals {
  const sum: Totals = {
    at: 0,
    freezes: 0,
    frozenMs: 0,
    framesDecoded: 0,
    concealed: 0,
    audioSamples: 0,
    packetsReceived: 0,
    packetsLost: 0,
    bytesReceived: 0,
    bytesSent: 0,
    jitterMs: 0,
    rttMs: undefined,
  };
  const pairs = new Map<unknown, Entry>();
  let selected: unknown;
  report.forEach((one) => {
    const entry = one as Entry;
    if (entry.type === 'candidate-pair') pairs.set(entry.id, entry);
    if (entry.type !== 'transport' && entry.type !== 'inbound-rtp') return;
    sum.at = Math.max(sum.at, number(entry.timestamp));
    if (entry.type === 'transport') {
      sum.bytesReceived += number(entry.bytesReceived);
      sum.bytesSent += number(entry.bytesSent);
      selected = entry.selectedCandidatePairId;
      return;
    }
    sum.packetsReceived += number(entry.packetsReceived);
    sum.packetsLost += number(entry.packetsLost);
    sum.jitterMs = Math.max(sum.jitterMs, number(entry.jitter) * 1000);
    if (entry.kind === 'audio') {
      // Silence that is filled in (DTX) is nothing that was lost.
      sum.concealed += Math.max(0, number(entry.concealedSamples) - number(entry.silentConcealedSamples));
      sum.audioSamples += number(entry.totalSamplesReceived);
    } else {
      sum.freezes += number(entry.freezeCount);
      sum.frozenMs += number(entry.totalFreezesDuration) * 1000;
      sum.framesDecoded += number(entry.framesDecoded);
    }
  });
  const rtt = pairs.get(selected)?.currentRoundTripTime;
  if (typeof rtt === 'number') sum.rttMs = rtt * 1000;
  return sum;
}

/** What happened between two moments; `undefined` when there is nothing to compare (another connection, no time passed). */
export function clientStats(before: Totals, after: Totals): ClientStats | undefined {
  const period = after.at - before.at;
  if (period < 100 || period > 60_000 || after.bytesReceived < before.bytesReceived) return undefined;
  const grown = (key: Exclude<keyof Totals, 'rttMs'>) => Math.max(0, Math.round(after[key] - before[key]));
  const stats: ClientStats = {
    period_ms: Math.round(period),
    freezes: grown('freezes'),
    frozen_ms: grown('frozenMs'),
    frames_decoded: grown('framesDecoded'),
    concealed_samples: grown('concealed'),
    audio_samples: grown('audioSamples'),
    packets_received: grown('packetsReceived'),
    packets_lost: grown('packetsLost'),
    jitter_ms: Math.round(after.jitterMs),
    // Bits per millisecond are kilobits per second.
    down_kbps: Math.round((8 * grown('bytesReceived')) / period),
    up_kbps: Math.round((8 * grown('bytesSent')) / period),
  };
  if (after.rttMs !== undefined) stats.rtt_ms = Math.round(after.rttMs);
  return stats;
}

const number = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? value : 0);

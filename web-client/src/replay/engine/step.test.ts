import { expect, test } from 'vitest';

import { MasterClock } from './clock.ts';
import { stepFor } from './step.ts';
import type { Media } from './timeline.ts';

/**
 * A media element on virtual time: it starts late, its clock runs a little fast or slow, and a seek costs a pause.
 */
class VirtualElement {
  positionMs: number;
  playbackRate = 1;
  seeks = 0;
  seekedAt = Number.NEGATIVE_INFINITY;
  rates: number[] = [];
  readonly skew: number;
  readonly seekCostMs: number;
  #busyUntil: number;

  constructor(options: { startMs: number; startsAfterMs: number; skewPpm: number; seekCostMs: number }) {
    this.positionMs = options.startMs;
    this.#busyUntil = options.startsAfterMs;
    this.skew = 1 + options.skewPpm / 1e6;
    this.seekCostMs = options.seekCostMs;
  }

  seek(toMs: number, now: number): void {
    this.positionMs = toMs;
    this.seeks += 1;
    this.#busyUntil = now + this.seekCostMs;
    this.seekedAt = this.#busyUntil;
  }

  advance(now: number, byMs: number): void {
    if (now >= this.#busyUntil) {
      this.positionMs += byMs * this.playbackRate * this.skew;
    }
  }
}

/** Plays for a minute of virtual time with a tick each 50 ms; returns the drift of every tick after `afterMs`. */
function play(
  element: VirtualElement,
  options: { media: Media; rate: number; startMs: number; afterMs: number; disturb?: (now: number) => void },
): number[] {
  const clock = new MasterClock();
  clock.setRate(options.rate, 0);
  clock.set(options.startMs, 0);
  clock.start(0);
  element.playbackRate = options.rate;
  const drifts: number[] = [];
  let correcting = false;
  for (let now = 0; now < 60_000; now += 50) {
    options.disturb?.(now);
    const driftMs = element.positionMs - clock.at(now);
    if (now >= options.afterMs) {
      drifts.push(driftMs);
    }
    const step = stepFor({
      driftMs,
      rate: options.rate,
      media: options.media,
      correcting,
      sinceSeekMs: now - element.seekedAt,
    });
    if (step.kind === 'seek') {
      correcting = false;
      element.seek(clock.at(now), now);
    } else {
      correcting = step.rate !== options.rate;
      element.playbackRate = step.rate;
      element.rates.push(step.rate);
    }
    element.advance(now, 50);
  }
  return drifts;
}

const worst = (drifts: number[]): number => Math.max(...drifts.map(Math.abs));

test.each([0.5, 1, 1.5, 3])(
  'a voice that starts 90 ms late is in step within two seconds at %s× and stays there',
  (rate) => {
    const element = new VirtualElement({ startMs: 0, startsAfterMs: 90, skewPpm: 200, seekCostMs: 80 });
    const drifts = play(element, { media: 'audio', rate, startMs: 0, afterMs: 2_000 });
    expect(worst(drifts) / rate).toBeLessThan(20);
    expect(element.seeks).toBe(0);
  },
);

test('a voice is never bent by more than a few percent', () => {
  const element = new VirtualElement({ startMs: 0, startsAfterMs: 140, skewPpm: 0, seekCostMs: 80 });
  play(element, { media: 'audio', rate: 1, startMs: 0, afterMs: 0 });
  expect(Math.max(...element.rates)).toBeLessThanOrEqual(1.06);
});

test('a picture that is a second off seeks once and is then in step', () => {
  const element = new VirtualElement({ startMs: 1_000, startsAfterMs: 0, skewPpm: -200, seekCostMs: 120 });
  const drifts = play(element, { media: 'video', rate: 1, startMs: 0, afterMs: 3_000 });
  expect(element.seeks).toBe(1);
  expect(worst(drifts)).toBeLessThan(20);
});

test('a slow decoder that needs half a second for a seek is not sent around for ever', () => {
  const element = new VirtualElement({ startMs: 5_000, startsAfterMs: 0, skewPpm: 0, seekCostMs: 120 });
  const drifts = play(element, {
    media: 'video',
    rate: 1,
    startMs: 0,
    afterMs: 10_000,
    disturb: (now) => {
      if (now === 4_000) {
        element.positionMs -= 400;
      }
    },
  });
  expect(element.seeks).toBeLessThanOrEqual(3);
  expect(worst(drifts)).toBeLessThan(20);
});

test('small offsets are left alone: the rate does not flutter', () => {
  const element = new VirtualElement({ startMs: 8, startsAfterMs: 0, skewPpm: 0, seekCostMs: 80 });
  play(element, { media: 'audio', rate: 1, startMs: 0, afterMs: 0 });
  expect(new Set(element.rates)).toEqual(new Set([1]));
});

// How a received call looks and sounds, measured in the page that shows it: from `getStats`, and from the picture itself.

import type { Locator } from '@playwright/test';
import { framesBetween } from '../media/code.ts';

/** Totals of everything a page's connections receive and send, at one moment. */
export interface Sample {
  /** Milliseconds on the page's clock. */
  at: number;
  videoBytes: number;
  audioBytes: number;
  framesDecoded: number;
  freezes: number;
  frozenMs: number;
  concealed: number;
  silentConcealed: number;
  audioSamples: number;
  audioLost: number;
  audioDelayMs: number;
  videoDelayMs: number;
  nacks: number;
  plis: number;
  keyframes: number;
  width: number;
  height: number;
  sentVideoBytes: number;
  sentAudioBytes: number;
  framesSent: number;
  /** Frames the camera gave the encoder. */
  framesCaptured: number;
  rttMs: number;
  availableKbps: number;
}

/** A frame on the screen. */
export interface Glance {
  at: number;
  counter: number | null;
}

export interface Measurement {
  samples: Sample[];
  glances: Glance[];
}

declare global {
  interface Window {
    meter?: { read(lastMs: number): Measurement; stop(): Measurement };
  }
}

/** Begins to measure what the picture inside `holder` shows and what its page hears. */
export async function startMeter(holder: Locator, everyMs = 500): Promise<void> {
  await holder.evaluate((element, everyMs) => {
    const inside = (element.shadowRoot ?? element).querySelector('video');
    const video = element instanceof HTMLVideoElement ? element : inside;
    if (!video) throw new Error('no video in there');
    const samples: Sample[] = [];
    const glances: Glance[] = [];
    let running = true;

    const look = () => {
      if (!running) return;
      glances.push({ at: performance.now(), counter: window.probe.read(video)?.counter ?? null });
      video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);

    const sample = async () => {
      const sum: Sample = {
        at: performance.now(),
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
      };
      const peers = window.probe.peers.filter(({ connectionState }) => connectionState === 'connected');
      for (const peer of peers) {
        for (const one of (await peer.getStats()).values()) {
          if (one.type === 'inbound-rtp' && one.kind === 'video' && one.framesDecoded > 0) {
            sum.videoBytes += one.bytesReceived + one.headerBytesReceived;
            sum.framesDecoded += one.framesDecoded;
            sum.freezes += one.freezeCount ?? 0;
            sum.frozenMs += 1000 * (one.totalFreezesDuration ?? 0);
            sum.nacks += one.nackCount ?? 0;
            sum.plis += one.pliCount ?? 0;
            sum.keyframes += one.keyFramesDecoded ?? 0;
            sum.videoDelayMs += 1000 * (one.jitterBufferDelay ?? 0);
            if ((one.frameWidth ?? 0) > sum.width) {
              sum.width = one.frameWidth;
              sum.height = one.frameHeight;
            }
          } else if (one.type === 'inbound-rtp' && one.kind === 'audio' && one.packetsReceived > 0) {
            sum.audioBytes += one.bytesReceived + one.headerBytesReceived;
            sum.concealed += one.concealedSamples ?? 0;
            sum.silentConcealed += one.silentConcealedSamples ?? 0;
            sum.audioSamples += one.totalSamplesReceived ?? 0;
            sum.audioLost += one.packetsLost ?? 0;
            sum.audioDelayMs += 1000 * (one.jitterBufferDelay ?? 0);
          } else if (one.type === 'outbound-rtp' && one.kind === 'video') {
            sum.sentVideoBytes += (one.bytesSent ?? 0) + (one.headerBytesSent ?? 0);
            sum.framesSent += one.framesSent ?? 0;
          } else if (one.type === 'outbound-rtp' && one.kind === 'audio') {
            sum.sentAudioBytes += (one.bytesSent ?? 0) + (one.headerBytesSent ?? 0);
          } else if (one.type === 'media-source' && one.kind === 'video') {
            sum.framesCaptured += one.frames ?? 0;
          } else if (one.type === 'candidate-pair' && one.nominated) {
            sum.rttMs = Math.max(sum.rttMs, 1000 * (one.currentRoundTripTime ?? 0));
            sum.availableKbps = Math.max(sum.availableKbps, (one.availableOutgoingBitrate ?? 0) / 1000);
          }
        }
      }
      samples.push(sum);
    };
    void sample();
    const timer = setInterval(() => void sample(), everyMs);
    window.meter = {
      read(lastMs) {
        const lately = ({ at }: { at: number }) => at >= performance.now() - lastMs;
        return { samples: samples.filter(lately), glances: glances.filter(lately) };
      },
      stop() {
        running = false;
        clearInterval(timer);
        return { samples, glances };
      },
    };
  }, everyMs);
}

/** What was measured lately; the measurement goes on. */
export async function readMeter(holder: Locator, lastMs: number): Promise<Measurement> {
  return holder.evaluate((_, lastMs) => {
    if (!window.meter) throw new Error('nothing is being measured');
    return window.meter.read(lastMs);
  }, lastMs);
}

export async function stopMeter(holder: Locator): Promise<Measurement> {
  return holder.evaluate(() => {
    if (!window.meter) throw new Error('nothing is being measured');
    return window.meter.stop();
  });
}

/** What a measurement says about a stretch of time. */
export interface Quality {
  seconds: number;
  /** Share of time frozen, by `getStats`. */
  frozen: number;
  freezes: number;
  /** Share of time frozen, by the picture's own counter. */
  frozenPicture: number;
  /** Longest time without a new picture, ms. */
  longestGapMs: number;
  /** When the picture froze, seconds after the start. */
  frozenAt: number[];
  /** Share of the sound that was made up, silence that was made up not counted. */
  concealed: number;
  /** The same with silence counted. */
  concealedAll: number;
  /** Frames a second. */
  fps: number;
  /** Received, kbit/s. */
  videoKbps: number;
  audioKbps: number;
  /** Sent, sound and pictures, kbit/s. */
  sentKbps: number;
  /** Mean time in the jitter buffers, ms. */
  audioDelayMs: number;
  videoDelayMs: number;
  nacks: number;
  plis: number;
  keyframes: number;
  /** Height of the picture at the end. */
  height: number;
  rttMs: number;
  /** What this side's camera gave, frames a second: what cannot be captured cannot be seen over there. */
  capturedFps: number;
}

/** @param from,to milliseconds after the start of the measurement */
export function quality({ samples, glances }: Measurement, from = 0, to = Number.POSITIVE_INFINITY): Quality {
  const origin = samples[0]?.at ?? 0;
  const within = <T extends { at: number }>(all: T[]) =>
    all.filter(({ at }) => at - origin >= from && at - origin <= to);
  const some = within(samples);
  const [first, last] = [some[0], some.at(-1)];
  if (!first || !last || last === first) throw new Error('too short to say anything');
  const ms = last.at - first.at;
  const grown = (key: keyof Sample) => last[key] - first[key];
  const perMs = (key: keyof Sample) => (8 * grown(key)) / ms;
  const picture = frozenPicture(within(glances), first.at, last.at);
  const played = grown('audioSamples');
  return {
    seconds: ms / 1000,
    frozen: grown('frozenMs') / ms,
    freezes: grown('freezes'),
    frozenPicture: picture.frozenMs / ms,
    longestGapMs: picture.longestMs,
    frozenAt: picture.at.map((at) => (at - origin) / 1000),
    concealed: played > 0 ? (grown('concealed') - grown('silentConcealed')) / played : Number.NaN,
    concealedAll: played > 0 ? grown('concealed') / played : Number.NaN,
    fps: (1000 * grown('framesDecoded')) / ms,
    videoKbps: perMs('videoBytes'),
    audioKbps: perMs('audioBytes'),
    sentKbps: perMs('sentVideoBytes') + perMs('sentAudioBytes'),
    audioDelayMs: played > 0 ? grown('audioDelayMs') / played : Number.NaN,
    videoDelayMs: grown('videoDelayMs') / Math.max(1, grown('framesDecoded')),
    nacks: grown('nacks'),
    plis: grown('plis'),
    keyframes: grown('keyframes'),
    height: last.height,
    rttMs: last.rttMs,
    capturedFps: (1000 * grown('framesCaptured')) / ms,
  };
}

/**
 * Time frozen as a person sees it. A freeze is what `getStats` calls one (https://w3c.github.io/webrtc-stats/#dom-rtcinboundrtpstreamstats-freezecount):
 * longer without a new picture than 3 mean gaps and than a mean gap plus 150 ms; here a picture is new when its counter is.
 */
export function frozenPicture(
  glances: readonly Glance[],
  from: number,
  to: number,
): { frozenMs: number; longestMs: number; at: number[] } {
  const fresh: number[] = [];
  let shown: number | null = null;
  for (const { at, counter } of glances) {
    // An unreadable picture (very coarse) may be new or not: it is taken to be.
    if (counter !== null && shown !== null && framesBetween(shown, counter) === 0) continue;
    fresh.push(at);
    shown = counter ?? shown;
  }
  const marks = [from, ...fresh, to];
  const frozenAt: number[] = [];
  const recent: number[] = [];
  let frozenMs = 0;
  let longestMs = 0;
  for (const [i, at] of marks.slice(1).entries()) {
    const began = marks[i] ?? at;
    const gap = at - began;
    longestMs = Math.max(longestMs, gap);
    const mean = recent.length > 0 ? recent.reduce((a, b) => a + b, 0) / recent.length : 1000 / 30;
    if (gap > Math.max(3 * mean, mean + 150)) {
      frozenMs += gap;
      frozenAt.push(began);
    }
    // The last 30 frames, as Chromium does it.
    recent.push(gap);
    if (recent.length > 30) recent.shift();
  }
  return { frozenMs, longestMs, at: frozenAt };
}

/**
 * Seconds from `at` (ms after the start) until the received video is back at `share` of what it was over the `beforeMs` before
 * `since`, held over a second; `undefined`: it never was.
 */
export function recovery(
  { samples }: Measurement,
  {
    since,
    at,
    share = 0.9,
    beforeMs = 8_000,
  }: { since: number; at: number; share?: number; beforeMs?: number },
): { beforeKbps: number; lowKbps: number; seconds: number | undefined } {
  const origin = samples[0]?.at ?? 0;
  const rate = (from: number, to: number) => {
    const some = samples.filter((sample) => sample.at - origin >= from && sample.at - origin <= to);
    const [first, last] = [some[0], some.at(-1)];
    return first && last && last !== first
      ? (8 * (last.videoBytes - first.videoBytes)) / (last.at - first.at)
      : 0;
  };
  const beforeKbps = rate(since - beforeMs, since);
  const lowKbps = rate(at - beforeMs, at);
  for (const { at: now } of samples) {
    const end = now - origin;
    if (end < at + 1_000) continue;
    if (rate(end - 1_050, end) >= share * beforeKbps)
      return { beforeKbps, lowKbps, seconds: (end - 500 - at) / 1000 };
  }
  return { beforeKbps, lowKbps, seconds: undefined };
}

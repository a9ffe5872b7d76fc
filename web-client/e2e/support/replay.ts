// The replay page under the eyes of the probe: what it shows after a seek, how soon, and whether both sides are in step.

import { writeFile } from 'node:fs/promises';
import { expect, type Page, test } from '@playwright/test';
import type { Recording } from '../../src/protocol.ts';
import type { CameraSide } from '../media/code.ts';
import type { Staff } from './people.ts';
import { type RecordedFrame, recordedFrames } from './recording.ts';

export const SIDES = ['buyer', 'agent'] as const;

/** Where in the session each frame of each camera is, read from the files by ffmpeg. */
export type Truth = Record<CameraSide, RecordedFrame[]>;

/** Fetches the cameras' files and reads every frame. */
export async function truthOf(staff: Staff, recording: Recording): Promise<Truth> {
  const frames = async (side: CameraSide): Promise<RecordedFrame[]> => {
    const tracks = recording.tracks.filter((track) => track.side === side && track.source === 'camera');
    const all = await Promise.all(
      tracks.map(async (track) => {
        const answer = await staff.api.get(track.url);
        expect(answer.status()).toBe(200);
        const path = test.info().outputPath(`${side}-${track.id}`);
        await writeFile(path, await answer.body());
        return recordedFrames(path);
      }),
    );
    return all
      .flat()
      .filter(({ code }) => code !== null)
      .sort((a, b) => a.at - b.at);
  };
  return { buyer: await frames('buyer'), agent: await frames('agent') };
}

/** A frame shown may stay on the screen for so long without being old, ms; longer is a gap of the camera. */
const FRAME_MS_MAX = 200;

/**
 * The counters a side may show at a moment: of the frame there and `more` before and after it (a busy camera leaves
 * counters out, so they are looked up). Null where there is no picture.
 */
export function countersAt(frames: readonly RecordedFrame[], ms: number, more = 1): number[] | null {
  const index = frames.findLastIndex(({ at }) => at * 1000 <= ms);
  const [frame, next] = [frames[index], frames[index + 1]];
  if (frame === undefined || next === undefined || (next.at - frame.at) * 1000 > FRAME_MS_MAX) return null;
  return frames.slice(Math.max(0, index - more), index + more + 1).flatMap(({ code }) => code?.counter ?? []);
}

/** Session time of a counter near a moment, ms: the camera's loop shows every counter again and again. */
export function timeOf(frames: readonly RecordedFrame[], counter: number, nearMs: number): number | null {
  let best: number | null = null;
  for (const { at, code } of frames) {
    if (code?.counter !== counter) continue;
    const ms = at * 1000;
    if (best === null || Math.abs(ms - nearMs) < Math.abs(best - nearMs)) best = ms;
  }
  return best;
}

/** What a page shows at one moment. */
export interface Sample {
  /** Time on the master clock, ms. */
  readonly clockMs: number;
  /** Counters in the pictures. */
  readonly shown: Record<CameraSide, number | null>;
}

interface Player extends HTMLElement {
  seek(ms: number): void;
  play(): void;
  pause(): void;
  readonly currentTimeMs: number;
  readonly playing: boolean;
  readonly waiting: boolean;
}

/** Seeks and waits until every side shows the frame that is wanted of it (± 1). Answers how long that took, ms. */
export function seekAndWait(
  page: Page,
  ms: number,
  wanted: Record<CameraSide, number[] | null>,
): Promise<{ tookMs: number | null; shown: Record<CameraSide, number | null> }> {
  return page.locator('replay-player').evaluate(
    async (element, { ms, wanted }) => {
      const player = element as Player;
      const read = (side: string): number | null => {
        const tile = player.shadowRoot?.querySelector(`replay-tile[side="${side}"]`);
        const video = tile?.shadowRoot?.querySelector<HTMLVideoElement>(
          `[data-testid="replay-video-${side}"]`,
        );
        return video ? (window.probe.read(video)?.counter ?? null) : null;
      };
      const shown = () => ({ buyer: read('buyer'), agent: read('agent') });
      const right = (now: Record<string, number | null>): boolean =>
        Object.entries(wanted).every(
          ([side, counters]) => counters === null || counters.includes(now[side] ?? -1),
        );
      const began = performance.now();
      player.seek(ms);
      // What was shown before the seek may be right by chance: the player must have got there, too.
      for (;;) {
        await new Promise((resolve) => setTimeout(resolve, 4));
        const now = shown();
        const took = performance.now() - began;
        if (!player.waiting && right(now)) return { tookMs: took, shown: now };
        if (took > 8_000) return { tookMs: null, shown: now };
      }
    },
    { ms, wanted },
  );
}

/** Plays from where it stands. Answers how long it took until both pictures had moved, ms. */
export function startAndWait(page: Page): Promise<number | null> {
  return page.locator('replay-player').evaluate(async (element) => {
    const player = element as Player;
    const read = (side: string): number | null => {
      const tile = player.shadowRoot?.querySelector(`replay-tile[side="${side}"]`);
      const video = tile?.shadowRoot?.querySelector<HTMLVideoElement>(`[data-testid="replay-video-${side}"]`);
      return video ? (window.probe.read(video)?.counter ?? null) : null;
    };
    const before = [read('buyer'), read('agent')];
    const began = performance.now();
    player.play();
    while (performance.now() - began < 8_000) {
      if (read('buyer') !== before[0] && read('agent') !== before[1]) return performance.now() - began;
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
    return null;
  });
}

/** Looks at both pictures and the clock, again and again while it plays. */
export function watch(page: Page, forMs: number): Promise<Sample[]> {
  return page.locator('replay-player').evaluate(async (element, forMs) => {
    const player = element as Player;
    const videos = ['buyer', 'agent'].map((side) =>
      player.shadowRoot
        ?.querySelector(`replay-tile[side="${side}"]`)
        ?.shadowRoot?.querySelector<HTMLVideoElement>(`[data-testid="replay-video-${side}"]`),
    );
    const samples: Sample[] = [];
    const until = performance.now() + forMs;
    while (performance.now() < until) {
      await new Promise((resolve) => requestAnimationFrame(resolve));
      const [buyer, agent] = videos.map((video) =>
        video ? (window.probe.read(video)?.counter ?? null) : null,
      );
      samples.push({ clockMs: player.currentTimeMs, shown: { buyer: buyer ?? null, agent: agent ?? null } });
    }
    return samples;
  }, forMs);
}

/** How far the pictures of samples are from the clock and from each other, ms; a frame counts from its middle. */
export function offsets(truth: Truth, samples: readonly Sample[]): { clock: number[]; apart: number[] } {
  const clock: number[] = [];
  const apart: number[] = [];
  for (const { clockMs, shown } of samples) {
    const at = SIDES.map((side) => {
      const counter = shown[side];
      return counter === null ? null : timeOf(truth[side], counter, clockMs);
    });
    const [buyer, agent] = at;
    for (const ms of at) if (ms != null) clock.push(ms + 1000 / 60 - clockMs);
    if (buyer != null && agent != null) apart.push(buyer - agent);
  }
  return { clock, apart };
}

/** A share of the values lies at or below this. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** `p50 12, p95 40, most 55 ms (n = 50)`. */
export function spread(values: readonly number[]): string {
  const at = (share: number) => quantile(values, share).toFixed(0);
  return `p50 ${at(0.5)}, p95 ${at(0.95)}, most ${Math.max(...values).toFixed(0)} ms (n = ${values.length})`;
}

/** The same moments in every run: a small generator with a seed. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

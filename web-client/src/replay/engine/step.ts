/**
 * Keeps one media element in step with the master clock. Pure: the drift goes in, what to do comes out.
 *
 * Three ranges. Up to {@link SETTLED_MS} nothing is done, the ear and the eye do not notice. Up to {@link SEEK_MS} the
 * element plays a little faster or slower until it is back. Beyond that it seeks. The seek threshold lies above the
 * 40 ms that count as "in step" because a seek costs a flush of the decoder (a visible hitch of 50–100 ms) while a rate
 * change of a few percent brings 100 ms back within two seconds unheard; a drift that large comes from a start or a
 * busy machine, not from playing.
 */
import type { Media } from './timeline.ts';

/** Corrections stop when the drift is below this, ms. */
export const SETTLED_MS = 4;

/** Corrections begin when the drift is above this, ms. */
export const NUDGE_MS = 12;

/** From here on an element seeks, ms of real time. */
export const SEEK_MS = 160;

/** After a seek the element gets this long to start before it is judged again, ms. */
export const SEEK_REST_MS = 600;

/** Largest change of speed: a voice must stay a voice, a picture may hurry. */
const MAX_NUDGE: Record<Media, number> = { audio: 0.06, video: 0.2 };

/** The drift is brought back within about this time, ms. */
const NUDGE_HORIZON_MS: Record<Media, number> = { audio: 700, video: 300 };

/** What to do with the element. */
export type Step =
  /** Play at this rate. */
  | { readonly kind: 'rate'; readonly rate: number }
  /** Go to the master's time. */
  | { readonly kind: 'seek' };

/** State and measurement of one element. */
export interface StepInput {
  /** Element minus master, ms of session time. */
  readonly driftMs: number;
  /** Rate of the master. */
  readonly rate: number;
  /** What it carries. */
  readonly media: Media;
  /** Whether the last step was a correction. */
  readonly correcting: boolean;
  /** Real time since the last seek of this element finished, ms. */
  readonly sinceSeekMs: number;
}

/** Decides the next step for an element that plays. */
export function stepFor(input: StepInput): Step {
  const { driftMs, rate, media } = input;
  // Thresholds are about what a person notices, so they are real time, not session time.
  const realDrift = driftMs / rate;
  const size = Math.abs(realDrift);
  if (size > SEEK_MS && input.sinceSeekMs > SEEK_REST_MS) {
    return { kind: 'seek' };
  }
  if (size < (input.correcting ? SETTLED_MS : NUDGE_MS)) {
    return { kind: 'rate', rate };
  }
  const limit = MAX_NUDGE[media];
  const nudge = Math.min(limit, Math.max(-limit, -realDrift / NUDGE_HORIZON_MS[media]));
  return { kind: 'rate', rate: rate * (1 + nudge) };
}

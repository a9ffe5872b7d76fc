/** What a media element has buffered, and the holes in it that the recording itself has. Pure. */

/** As much of `TimeRanges` as is needed, s. */
export type Ranges = Pick<TimeRanges, 'length' | 'start' | 'end'>;

/** Browsers bridge this much by themselves, s. */
const BRIDGED_S = 0.02;

/** Whether `t` (s) lies between what is buffered, and where media goes on. */
export function holeAt(buffered: Ranges, t: number): { readonly until: number | undefined } | undefined {
  for (let index = 0; index < buffered.length; index += 1) {
    if (t < buffered.start(index) - BRIDGED_S) {
      return { until: buffered.start(index) };
    }
    if (t < buffered.end(index)) {
      return undefined;
    }
  }
  return { until: undefined };
}

/**
 * Whether what is buffered around `t` (s) ends within `withinS` although media after it has been appended up to
 * `heldUntilS`: a hole of the recording. A browser has no "future data" there and never will, so nobody must wait for it.
 */
export function holeFollows(buffered: Ranges, t: number, withinS: number, heldUntilS: number): boolean {
  for (let index = 0; index < buffered.length; index += 1) {
    const end = buffered.end(index);
    if (t >= buffered.start(index) - BRIDGED_S && t < end) {
      return end - t <= withinS && heldUntilS > end + BRIDGED_S;
    }
  }
  return false;
}

// The other half of the clapper board: finds the tone bursts of the fake microphones in sound.

/** The burst: high enough above speech that a narrow filter finds nothing else, low enough for every Opus bandwidth. */
export const BURST_HZ = 5_000;
export const BURST_SECONDS = 0.03;
/** Bursts come once a second, this long after the full second of the file. */
export const BURST_AT_SECONDS = 0.5;

/**
 * A detector for one stream of sound. Give it the samples piece by piece; it answers where in the piece bursts begin,
 * in seconds. Without outside references, because it is injected into pages like `codec` of `code.ts`.
 */
export function burstDetector(rate: number, hz: number): (samples: ArrayLike<number>) => number[] {
  // One Goertzel filter over 2.5 ms windows, which is how exact the answer is. A burst begins where the tone holds
  // most of a loud window after a while without.
  const window = Math.round(rate * 0.0025);
  const k = 2 * Math.cos((2 * Math.PI * hz) / rate);
  let quietFor = 1;
  let rest: number[] = [];
  return (samples) => {
    const found: number[] = [];
    const before = rest.length;
    const all = rest.concat(Array.from(samples));
    let start = 0;
    for (; start + window <= all.length; start += window) {
      let s1 = 0;
      let s2 = 0;
      let energy = 0;
      for (let i = start; i < start + window; i++) {
        const x = all[i] ?? 0;
        energy += x * x;
        const s0 = x + k * s1 - s2;
        s2 = s1;
        s1 = s0;
      }
      const tone = (2 * (s1 * s1 + s2 * s2 - k * s1 * s2)) / window;
      const loud = tone > 0.6 * energy && energy / window > 0.001;
      if (loud && quietFor > 0.3) found.push((start - before) / rate);
      quietFor = loud ? 0 : quietFor + window / rate;
    }
    rest = all.slice(start);
    return found;
  };
}

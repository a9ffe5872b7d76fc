// A number that survives a video codec: the frame counter the fake cameras show and every test reads back.
//
//        x  0                                                  1
//   y 0.78  +--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+
//           |s |c10 ............................. c0| k3 .. k0|   s: side, c: counter, k: CRC-4 of the 12 bits before
//   y 0.88  +--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+
//           |  the same bits inverted                          |
//   y 0.98  +--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+
//
// White is 1. Every bit is read as the difference between its two cells, so no threshold has to be guessed
// whatever brightness, contrast or size the picture arrives in; a bit whose two cells look alike makes the
// whole frame unreadable instead of wrong.

/** Who the picture is of. */
export type CameraSide = 'buyer' | 'agent';

/** What a frame says about itself. */
export interface FrameCode {
  side: CameraSide;
  /** Frames since the start of the camera's loop. */
  counter: number;
}

/** Frames in one loop of a fake camera: ten seconds. */
export const LOOP_FRAMES = 300;
export const FRAMES_PER_SECOND = 30;

/** A band of luma values, cells ordered as in the drawing. */
export type LumaBand = { readonly [cell: number]: number };

/**
 * The encoder and the decoder. One function without outside references, because tests inject its source text into
 * pages: `(${codec.toString()})()`.
 */
export function codec() {
  const COLUMNS = 16;
  const TOP = 0.78;
  const BOTTOM = 0.98;
  /** Smallest luma difference of a cell and its inverse, of 255. */
  const MARGIN = 60;

  function crc4(word: number): number {
    // x^4 + x + 1, started at all ones so that a uniform picture is no valid frame.
    let rest = 0b1111;
    for (let bit = 11; bit >= 0; bit--) {
      const feedback = ((rest >> 3) & 1) ^ ((word >> bit) & 1);
      rest = (rest << 1) & 0b1111;
      if (feedback) rest ^= 0b0011;
    }
    return rest;
  }

  /** The 16 bits of the upper row, left to right. */
  function bits(side: 'buyer' | 'agent', counter: number): number[] {
    const word = ((side === 'agent' ? 1 : 0) << 11) | (counter & 0x7ff);
    const all = (word << 4) | crc4(word);
    return Array.from({ length: COLUMNS }, (_, column) => (all >> (COLUMNS - 1 - column)) & 1);
  }

  /** Reads 2 × 16 mean luma values, upper row first; null when they are no code. */
  function decode(luma: {
    readonly [cell: number]: number;
  }): { side: 'buyer' | 'agent'; counter: number } | null {
    let all = 0;
    for (let column = 0; column < COLUMNS; column++) {
      const difference = (luma[column] ?? 0) - (luma[COLUMNS + column] ?? 0);
      if (Math.abs(difference) < MARGIN) return null;
      all = (all << 1) | (difference > 0 ? 1 : 0);
    }
    const word = all >> 4;
    if (crc4(word) !== (all & 0b1111)) return null;
    return { side: word >> 11 ? 'agent' : 'buyer', counter: word & 0x7ff };
  }

  /**
   * Mean luma of each cell of a picture given as RGBA bytes, `width` × `height` pixels, that holds the band alone.
   * Only the middle of a cell counts: its edges carry the codec's ringing.
   */
  function cells(rgba: ArrayLike<number>, width: number, height: number): number[] {
    const means: number[] = [];
    for (let row = 0; row < 2; row++) {
      for (let column = 0; column < COLUMNS; column++) {
        const x0 = Math.round(((column + 0.3) * width) / COLUMNS);
        const x1 = Math.max(x0 + 1, Math.round(((column + 0.7) * width) / COLUMNS));
        const y0 = Math.round(((row + 0.3) * height) / 2);
        const y1 = Math.max(y0 + 1, Math.round(((row + 0.7) * height) / 2));
        let sum = 0;
        for (let y = y0; y < y1; y++) {
          for (let x = x0; x < x1; x++) {
            const at = (y * width + x) * 4;
            sum += 0.299 * (rgba[at] ?? 0) + 0.587 * (rgba[at + 1] ?? 0) + 0.114 * (rgba[at + 2] ?? 0);
          }
        }
        means.push(sum / ((x1 - x0) * (y1 - y0)));
      }
    }
    return means;
  }

  return { COLUMNS, TOP, BOTTOM, bits, decode, cells };
}

/** How many frames from `from` to `to` on a camera that loops; between −half and +half a loop. */
export function framesBetween(from: number, to: number): number {
  const ahead = (((to - from) % LOOP_FRAMES) + LOOP_FRAMES) % LOOP_FRAMES;
  return ahead > LOOP_FRAMES / 2 ? ahead - LOOP_FRAMES : ahead;
}

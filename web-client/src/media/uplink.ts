/**
 * Back to full quality soon after a weak moment of the upload. Pure.
 *
 * A browser's own estimate comes back by some 8 % a second: from 0.2 to 1 Mbit/s takes twenty seconds. It jumps at once when a
 * short probe shows that there is room, and Chromium probes when the allowed maximum of the connection is raised. So while
 * the upload is much weaker than it was, we raise that maximum every few seconds: to three times the estimate first (a
 * handful of packets: what a link that is still narrow can bear), and to no limit as soon as that has shown anything.
 */

/** What the browser says now. */
export interface Uplink {
  /** Milliseconds, any origin. */
  at: number;
  /** What it thinks it may send, bits per second. */
  available: number;
  /** What it would send if it could: the ceilings of what is being sent, added up. Bits per second. */
  wanted: number;
}

/** Below this share of what it was (and of what is wanted) the upload is narrow. */
const NARROW = 0.6;
/** What it was is forgotten after this time: a link that stays narrow is simply a narrow link. */
const MEMORY_MS = 120_000;
/** Between two attempts; a probe that fails costs a narrow link a few packets' time. */
const PAUSE_MS = 3_000;
/** After so many attempts the pauses double, up to the longest. */
const ATTEMPTS = 10;
const PAUSE_MAX_MS = 30_000;
/** The browser takes that long to make up its mind about a probe. */
const VERDICT_MS = 1_200;
const STEP = 3;
/** The estimate has grown by this: there is room. */
const GROWN = 1.4;
/** No limit, in effect. Bits per second. */
export const UNLIMITED = 10_000_000;

export class UplinkProbing {
  #best: { at: number; available: number } | undefined;
  /** Since when, and how often it was tried. */
  #narrow: { attempts: number; next: number } | undefined;
  #probe: { at: number; available: number } | undefined;
  #limited = false;

  /** The maximum to allow from now on: raising it makes the browser probe. `undefined`: leave it as it is. */
  look({ at, available, wanted }: Uplink): number | undefined {
    if (!(available > 0) || !(wanted > 0)) return undefined;
    if (!this.#best || available >= this.#best.available || at - this.#best.at > MEMORY_MS)
      this.#best = { at, available };
    const enough = NARROW * Math.min(wanted, this.#best.available);
    if (available >= enough) return this.#done();

    this.#narrow ??= { attempts: 0, next: at + PAUSE_MS };
    if (this.#probe) {
      if (at - this.#probe.at < VERDICT_MS) return undefined;
      const before = this.#probe.available;
      this.#probe = undefined;
      if (available >= GROWN * before) return this.#try(at, available, UNLIMITED);
    }
    if (at < this.#narrow.next) return undefined;
    return this.#try(at, available, STEP * available);
  }

  #try(at: number, available: number, limit: number): number {
    const attempts = (this.#narrow?.attempts ?? 0) + 1;
    const pause = PAUSE_MS * 2 ** Math.max(0, attempts - ATTEMPTS);
    this.#narrow = { attempts, next: at + Math.min(pause, PAUSE_MAX_MS) };
    this.#probe = { at, available };
    this.#limited = limit < UNLIMITED;
    return Math.round(limit);
  }

  #done(): number | undefined {
    this.#narrow = undefined;
    this.#probe = undefined;
    const limited = this.#limited;
    this.#limited = false;
    return limited ? UNLIMITED : undefined;
  }
}

/** The answer with a maximum (`b=AS`, RFC 4566 §5.8) for its first line that takes video. */
export function withBandwidth(sdp: string, bitsPerSecond: number): string {
  const sections = sdp.split(/(?=^m=)/m);
  const camera = sections.findIndex(
    (section) => section.startsWith('m=video') && /^a=recvonly\r?$/m.test(section),
  );
  return sections
    .map((section, at) => {
      if (at !== camera) return section;
      const without = section.replace(/^b=.*\r\n/gm, '');
      // The order of lines is fixed: m=, c=, b=, then attributes.
      return without.replace(/(\r\n)(?=a=)/, `\r\nb=AS:${Math.round(bitsPerSecond / 1000)}\r\n`);
    })
    .join('');
}

/**
 * Bytes of fragments that were fetched, so that who goes back and forth asks the server once. A source buffer forgets what
 * the playhead has left behind.
 */
import type { Fragment } from '../../protocol.ts';

/** Enough for a minute of a good picture; a track. */
const BYTES_MAX = 16 * 1024 * 1024;

/** The fragments of one track that were fetched lately, by where they begin in its file. */
export class FragmentStore {
  /** Oldest use first. */
  readonly #kept = new Map<number, Uint8Array<ArrayBuffer>>();
  readonly #max: number;
  #bytes = 0;

  /** @param max bytes that are kept at most */
  constructor(max = BYTES_MAX) {
    this.#max = max;
  }

  /** The bytes of a run of fragments, or nothing when one is missing. */
  take(run: readonly Fragment[]): Uint8Array<ArrayBuffer> | undefined {
    const parts: Uint8Array<ArrayBuffer>[] = [];
    for (const { bytes } of run) {
      const part = this.#kept.get(bytes.offset);
      if (part === undefined || part.length !== bytes.length) return undefined;
      parts.push(part);
    }
    const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const [number, part] of parts.entries()) {
      whole.set(part, at);
      at += part.length;
      this.#keep(run[number]?.bytes.offset ?? 0, part);
    }
    return whole;
  }

  /** Keeps a run of fragments that lie one after the other in `bytes`. */
  put(run: readonly Fragment[], bytes: ArrayBuffer): void {
    let at = 0;
    for (const fragment of run) {
      const { offset, length } = fragment.bytes;
      // A copy: a part that is kept must not keep all that was fetched with it.
      this.#keep(offset, new Uint8Array(bytes.slice(at, at + length)));
      at += length;
    }
  }

  #keep(offset: number, part: Uint8Array<ArrayBuffer>): void {
    this.#bytes += part.length - (this.#kept.get(offset)?.length ?? 0);
    this.#kept.delete(offset);
    this.#kept.set(offset, part);
    for (const [oldest, { length }] of this.#kept) {
      if (this.#bytes <= this.#max) break;
      this.#kept.delete(oldest);
      this.#bytes -= length;
    }
  }
}

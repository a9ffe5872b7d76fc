/** Fetches byte ranges of track files. */
import type { ByteRange, Problem } from '../../protocol.ts';

/** Gets bytes of a file; the engine takes any implementation, tests give their own. */
export type RangeLoader = (url: string, range: ByteRange, signal: AbortSignal) => Promise<ArrayBuffer>;

/** A range that could not be had. */
export class LoadError extends Error {
  /** HTTP status; 0 when the server was not reached. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'LoadError';
    this.status = status;
  }

  /** Whether asking again can help: the network and a busy server recover, a missing right does not. */
  get retryable(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** HTTP range requests with the session cookie. */
export const fetchRange: RangeLoader = async (url, range, signal) => {
  const last = range.offset + range.length - 1;
  let response: Response;
  try {
    response = await fetch(url, {
      headers: { Range: `bytes=${range.offset}-${last}` },
      credentials: 'same-origin',
      signal,
    });
  } catch (error) {
    if (signal.aborted) {
      throw error;
    }
    throw new LoadError(0, 'The server cannot be reached.');
  }
  if (!response.ok) {
    throw new LoadError(response.status, await problemText(response));
  }
  let bytes: ArrayBuffer;
  try {
    bytes = await response.arrayBuffer();
  } catch (error) {
    if (signal.aborted) {
      throw error;
    }
    throw new LoadError(0, 'The connection broke while the recording was loading.');
  }
  if (response.status === 200) {
    // A proxy may drop `Range` and send the whole file.
    bytes = bytes.slice(range.offset, range.offset + range.length);
  }
  if (bytes.byteLength !== range.length) {
    throw new LoadError(502, `Asked for ${range.length} bytes of the recording, got ${bytes.byteLength}.`);
  }
  return bytes;
};

async function problemText(response: Response): Promise<string> {
  try {
    const problem = (await response.json()) as Partial<Problem>;
    return problem.detail ?? problem.title ?? `The server answered ${response.status}.`;
  } catch {
    return `The server answered ${response.status}.`;
  }
}

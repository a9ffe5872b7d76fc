/** Keeps what is being written without being asked: a moment after the last change, one request at a time. */

/** How it stands. */
export type SaveState =
  | { readonly kind: 'clean' }
  | { readonly kind: 'dirty' }
  | { readonly kind: 'saving' }
  | { readonly kind: 'saved' }
  | { readonly kind: 'failed'; readonly message: string };

/** After the last change, ms. */
const QUIET_MS = 800;
/** After a failure, ms. */
const AGAIN_MS = 5_000;

/** Saves the newest value of something. */
export class Autosave<T> {
  readonly #save: (value: T) => Promise<void>;
  readonly #changed: () => void;
  #state: SaveState = { kind: 'clean' };
  #waiting: { readonly value: T } | undefined;
  #running: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param save keeps a value; what it throws is shown
   * @param changed called whenever {@link state} is another
   */
  constructor(save: (value: T) => Promise<void>, changed: () => void) {
    this.#save = save;
    this.#changed = changed;
  }

  get state(): SaveState {
    return this.#state;
  }

  /** Whether something would be lost if the page went now. */
  get unsaved(): boolean {
    return this.#waiting !== undefined || this.#running !== undefined;
  }

  /** Whether saving fails at the moment: whoever leaves now leaves it behind. */
  get stuck(): boolean {
    return this.#state.kind === 'failed';
  }

  /** The value is another now. */
  set(value: T): void {
    this.#waiting = { value };
    if (this.#running === undefined) {
      this.#become({ kind: 'dirty' });
      this.#later(QUIET_MS);
    }
  }

  /** Saves at once what has not been saved yet; true when nothing is left to save. */
  async flush(): Promise<boolean> {
    clearTimeout(this.#timer);
    await this.#running;
    if (this.#waiting !== undefined) await this.#run();
    return !this.unsaved;
  }

  /** Forgets what has not been saved, e.g. because it was submitted or thrown away. */
  drop(): void {
    clearTimeout(this.#timer);
    this.#waiting = undefined;
    this.#become({ kind: 'clean' });
  }

  #later(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#run(), ms);
  }

  async #run(): Promise<void> {
    if (this.#running !== undefined) return this.#running;
    this.#running = this.#saveNewest();
    try {
      await this.#running;
    } finally {
      this.#running = undefined;
    }
    // Something changed while it was saved.
    if (this.#waiting !== undefined && this.#state.kind !== 'failed') this.#later(QUIET_MS);
  }

  async #saveNewest(): Promise<void> {
    const saving = this.#waiting;
    if (saving === undefined) return;
    this.#waiting = undefined;
    this.#become({ kind: 'saving' });
    try {
      await this.#save(saving.value);
      this.#become(this.#waiting === undefined ? { kind: 'saved' } : { kind: 'dirty' });
    } catch (error) {
      this.#waiting ??= saving;
      this.#become({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
      this.#later(AGAIN_MS);
    }
  }

  #become(state: SaveState): void {
    this.#state = state;
    this.#changed();
  }
}

/** What the buyer thinks of the call, and whether the server has it. No UI in here. */
import type { NewRating } from '../protocol.ts';
import { Observable } from '../session/observable.ts';
import { ProblemError } from '../session/rest.ts';

/**
 * - `open`: nothing chosen
 * - `saving`: on its way, or about to be
 * - `saved`: the server has what is shown
 * - `failed`: it has not; `save()` tries again
 * - `closed`: it can no longer be changed
 */
export type RatingState = 'open' | 'saving' | 'saved' | 'failed' | 'closed';

/** Arrow keys pass over stars on their way: only the one where they stay is sent. */
const SETTLE_MS = 500;

export class CallRating extends Observable {
  state: RatingState = 'open';
  /** 1–5; 0 while none is chosen. */
  stars = 0;
  comment = '';
  readonly #send: (rating: NewRating) => Promise<unknown>;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sending = false;
  /** Changed while the one before was on its way. */
  #again = false;

  constructor(send: (rating: NewRating) => Promise<unknown>) {
    super();
    this.#send = send;
  }

  choose(stars: number): void {
    this.stars = stars;
    this.#settle(SETTLE_MS);
  }

  /** Adds words to the stars. */
  say(comment: string): void {
    this.comment = comment.trim();
    this.#settle(0);
  }

  /** Sends what was chosen a moment ago: the window is being closed. */
  flush(): void {
    if (this.#timer !== undefined) void this.save();
  }

  async save(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.stars === 0) return;
    if (this.#sending) {
      this.#again = true;
      return;
    }
    this.#sending = true;
    this.#go('saving');
    const state = await this.#outcome({
      stars: this.stars,
      ...(this.comment === '' ? {} : { comment: this.comment }),
    });
    this.#sending = false;
    const again = this.#again && state !== 'closed';
    this.#again = false;
    if (again) await this.save();
    // A choice that is settling will be saved by its timer.
    else if (this.#timer === undefined) this.#go(state);
  }

  async #outcome(rating: NewRating): Promise<RatingState> {
    try {
      await this.#send(rating);
      return 'saved';
    } catch (error) {
      return error instanceof ProblemError && error.code === 'rating_closed' ? 'closed' : 'failed';
    }
  }

  #settle(ms: number) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.save(), ms);
    this.#go('saving');
  }

  #go(state: RatingState) {
    this.state = state;
    this.changed();
  }
}

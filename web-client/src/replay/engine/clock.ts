/**
 * The master clock of a replay: session time as a function of the monotonic clock, the rate and whether it runs.
 * `now` is always passed in (milliseconds of `performance.now()`), so tests run on virtual time.
 */
export class MasterClock {
  #anchorMs = 0;
  #anchorAt = 0;
  #rate = 1;
  #running = false;

  /** Whether time passes. */
  get running(): boolean {
    return this.#running;
  }

  /** Session time per real time; 1 is normal speed. */
  get rate(): number {
    return this.#rate;
  }

  /** Session time, ms. */
  at(now: number): number {
    return this.#running ? this.#anchorMs + (now - this.#anchorAt) * this.#rate : this.#anchorMs;
  }

  /** Lets time pass from where it stands. */
  start(now: number): void {
    this.set(this.at(now), now);
    this.#running = true;
  }

  /** Stops time where it stands. */
  stop(now: number): void {
    this.set(this.at(now), now);
    this.#running = false;
  }

  /** Puts the clock at `sessionMs`; it goes on running or stays stopped. */
  set(sessionMs: number, now: number): void {
    this.#anchorMs = sessionMs;
    this.#anchorAt = now;
  }

  /** Changes the speed without a jump. */
  setRate(rate: number, now: number): void {
    this.set(this.at(now), now);
    this.#rate = rate;
  }
}

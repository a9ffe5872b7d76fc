import type { ReactiveController, ReactiveControllerHost } from 'lit';

import type { FlowState, MediaModule } from './flow.ts';

/**
 * Keeps a phone's screen on while somebody waits or talks, and rings when the wait is over and the page is not in
 * sight. Browsers without wake locks let the screen go dark; the visit goes on.
 */
export class Attention implements ReactiveController {
  #lock: Promise<WakeLockSentinel | undefined> | undefined;
  #state: FlowState = 'closed';

  constructor(host: ReactiveControllerHost) {
    host.addController(this);
  }

  follow(state: FlowState, module: MediaModule | undefined): void {
    if (state === 'call' && this.#state === 'waiting' && document.hidden) {
      module?.playTestTone().catch(() => undefined);
    }
    this.#state = state;
    const engaged = state === 'waiting' || state === 'call';
    if (engaged) this.#hold();
    else this.#release();
  }

  hostConnected(): void {
    document.addEventListener('visibilitychange', this.#onVisible);
  }

  hostDisconnected(): void {
    document.removeEventListener('visibilitychange', this.#onVisible);
    this.#release();
  }

  /** The browser takes the lock away when the page is hidden. */
  readonly #onVisible = () => {
    if (document.hidden || !this.#lock) return;
    this.#lock = undefined;
    this.#hold();
  };

  #hold() {
    this.#lock ??= navigator.wakeLock?.request('screen').catch(() => undefined);
  }

  #release() {
    void this.#lock?.then((lock) => lock?.release());
    this.#lock = undefined;
  }
}

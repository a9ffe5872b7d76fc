import type { ReactiveController, ReactiveControllerHost } from 'lit';

/**
 * Plain state that elements watch: it dispatches `change`. (Media objects do the same on their own: the media chunk
 * of the widget must not import anything from `widget.js`, or a page that loads it under two addresses runs it twice.)
 *
 * @fires change - something is different now
 */
export class Observable extends EventTarget {
  /** Tells the watchers. Lit renders once for many changes of one turn, so nothing is gathered here. */
  protected changed(): void {
    this.dispatchEvent(new Event('change'));
  }
}

/** Renders the host again whenever what it watches dispatches `change`. */
export class Watch implements ReactiveController {
  readonly #host: ReactiveControllerHost;
  #target: EventTarget | undefined;
  #watched: EventTarget | undefined;
  #connected = false;
  readonly #onChange = () => this.#host.requestUpdate();

  constructor(host: ReactiveControllerHost, target?: EventTarget) {
    this.#host = host;
    this.#target = target;
    host.addController(this);
  }

  /** Watches something else from now on. */
  set target(target: EventTarget | undefined) {
    if (target === this.#target) return;
    this.#target = target;
    this.#attach();
    this.#host.requestUpdate();
  }

  hostConnected(): void {
    this.#connected = true;
    this.#attach();
  }

  hostDisconnected(): void {
    this.#connected = false;
    this.#attach();
  }

  #attach() {
    this.#watched?.removeEventListener('change', this.#onChange);
    this.#watched = this.#connected ? this.#target : undefined;
    this.#watched?.addEventListener('change', this.#onChange);
  }
}

import { css, html, LitElement } from 'lit';

import { define } from '../../elements/define.ts';
import { viewer } from '../govern/viewer.ts';

/** Rows of words; more than fit are cut off. */
const ROWS = 14;
/** How often the time in it is brought up to date, ms. */
const EVERY_MS = 30_000;

/**
 * Who is watching, and when, over whatever it lies on: in slanted rows from edge to edge, at any size and in full screen,
 * for it is laid out in the box of the media and not in pixels. Whoever films the screen films this, too.
 *
 * It takes no clicks and is nothing to read out: its words are drawn, no text of the page. It comes back when it is taken out of the page or made invisible.
 */
export class ReplayWatermark extends LitElement {
  static override styles = css`
    :host {
      position: absolute !important;
      inset: 0 !important;
      z-index: 2 !important;
      display: block !important;
      visibility: visible !important;
      opacity: 1 !important;
      overflow: hidden !important;
      clip-path: none !important;
      transform: none !important;
      pointer-events: none;
      user-select: none;
      container-type: size;
      contain: strict;
    }
    .rows {
      position: absolute;
      inset: -60%;
      display: grid;
      align-content: space-around;
      transform: rotate(-24deg);
    }
    p::before {
      content: attr(data-words);
    }
    p {
      margin: 0;
      color: rgb(255 255 255 / 0.3);
      font: 600 clamp(11px, 3.2cqmin, 26px) / 1 system-ui, sans-serif;
      letter-spacing: 0.02em;
      text-shadow: 0 0 2px rgb(0 0 0 / 0.55);
      white-space: nowrap;
    }
    p:nth-child(even) {
      margin-inline-start: 9%;
    }
  `;

  #timer: ReturnType<typeof setInterval> | undefined;
  #home: ParentNode | null = null;
  #next: ChildNode | null = null;
  readonly #watch = new MutationObserver(() => this.#restore());

  override connectedCallback() {
    super.connectedCallback();
    this.setAttribute('aria-hidden', 'true');
    this.#home = this.parentNode;
    this.#next = this.nextSibling;
    this.#timer ??= setInterval(() => this.requestUpdate(), EVERY_MS);
    this.#watch.disconnect();
    if (this.#home) this.#watch.observe(this.#home, { childList: true });
    this.#watch.observe(this, { attributes: true, attributeFilter: ['style', 'class', 'hidden'] });
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    // Gone with the whole tile: then there is nothing to mark any more.
    if (this.#home?.isConnected !== true) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      this.#watch.disconnect();
    }
  }

  override render() {
    const words = watermarkWords(viewer.me, new Date());
    const row = Array.from({ length: 6 }, () => words).join('     ');
    return html`<div class="rows">${Array.from({ length: ROWS }, () => html`<p data-words=${row}></p>`)}</div>`;
  }

  /** Undoes what a page script or the inspector did to it. */
  #restore() {
    for (const name of ['style', 'class', 'hidden']) {
      if (this.hasAttribute(name)) this.removeAttribute(name);
    }
    const home = this.#home;
    if (home?.isConnected && this.parentNode !== home) {
      const next = this.#next?.parentNode === home ? this.#next : null;
      home.insertBefore(this, next);
    }
  }
}

/** Name, address and time of whoever watches. */
export function watermarkWords(
  me: { readonly name: string; readonly email: string } | undefined,
  now: Date,
): string {
  const time = `${now.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  return me === undefined ? time : `${me.name} · ${me.email} · ${time}`;
}

define('replay-watermark', ReplayWatermark);

declare global {
  interface HTMLElementTagNameMap {
    'replay-watermark': ReplayWatermark;
  }
}

import { css, html, LitElement, type PropertyValues } from 'lit';

import { define } from '../../elements/define.ts';
import { LevelMeter } from '../../media/index.ts';

/** How loud a microphone is right now. Decorative: words beside it say whether anything is heard. */
export class ConsoleLevel extends LitElement {
  static override properties = { track: { attribute: false } };
  static override styles = css`
    :host {
      display: block;
    }
    .bar {
      block-size: 8px;
      overflow: hidden;
      border-radius: 4px;
      background: var(--v-hover);
    }
    .level {
      block-size: 100%;
      border-radius: 4px;
      background: var(--v-ok);
      transform-origin: 0 50%;
      transition: transform 80ms linear;
    }
    :host(:dir(rtl)) .level {
      transform-origin: 100% 50%;
    }
  `;

  declare track: MediaStreamTrack | undefined;
  #meter: LevelMeter | undefined;
  #frame = 0;

  constructor() {
    super();
    this.track = undefined;
  }

  override connectedCallback() {
    super.connectedCallback();
    this.#begin();
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    this.#end();
  }

  override updated(changed: PropertyValues<this>) {
    if (changed.has('track')) this.#begin();
  }

  override render() {
    return html`<div class="bar" aria-hidden="true"><div class="level" style="transform:scaleX(0)"></div></div>`;
  }

  #begin() {
    this.#end();
    if (this.track === undefined || !this.isConnected) return;
    this.#meter = new LevelMeter(this.track);
    const draw = (): void => {
      const bar = this.renderRoot.querySelector<HTMLElement>('.level');
      if (bar && this.#meter) bar.style.transform = `scaleX(${this.#meter.level.toFixed(3)})`;
      this.#frame = requestAnimationFrame(draw);
    };
    this.#frame = requestAnimationFrame(draw);
  }

  #end() {
    cancelAnimationFrame(this.#frame);
    this.#meter?.close();
    this.#meter = undefined;
  }
}

define('console-level', ConsoleLevel);

declare global {
  interface HTMLElementTagNameMap {
    'console-level': ConsoleLevel;
  }
}

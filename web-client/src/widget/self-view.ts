import { css, html, LitElement, type PropertyValues } from 'lit';

import { base } from '../design/base.ts';
import { define } from '../elements/define.ts';
import '../elements/icon/icon.ts';

/** What the buyer's own camera shows: mirrored like a mirror, unless it looks away from them. */
export class HelpSelfView extends LitElement {
  static override properties = {
    track: { attribute: false },
    label: { type: String },
    away: { type: Boolean, reflect: true },
  };
  static override styles = [
    base,
    css`
      :host {
        display: block;
        position: relative;
        overflow: hidden;
        border-radius: inherit;
        background: var(--v-stage-raised);
        color: var(--v-on-stage-muted);
      }
      video {
        display: block;
        inline-size: 100%;
        block-size: 100%;
        object-fit: cover;
        transform: scaleX(-1);
      }
      :host([away]) video {
        transform: none;
      }
      .off {
        position: absolute;
        inset: 0;
        display: grid;
        place-items: center;
        --vt-icon-size: min(40px, 45%);
      }
    `,
  ];

  declare track: MediaStreamTrack | undefined;
  declare label: string;
  declare away: boolean;
  #shown: MediaStreamTrack | undefined;

  constructor() {
    super();
    this.track = undefined;
    this.label = '';
    this.away = false;
  }

  override render() {
    return html`<video
        data-testid="self-video"
        aria-label=${this.label}
        ?hidden=${!this.track}
        autoplay
        playsinline
        .muted=${true}
      ></video>
      ${this.track ? '' : html`<div class="off"><vt-icon name="camera-off"></vt-icon></div>`}`;
  }

  override updated(_changed: PropertyValues) {
    if (this.track === this.#shown) return;
    this.#shown = this.track;
    const video = this.renderRoot.querySelector('video');
    if (!video) return;
    video.srcObject = this.track ? new MediaStream([this.track]) : null;
    if (this.track) video.play().catch(() => undefined);
  }
}

define('vitrine-self-view', HelpSelfView);

declare global {
  interface HTMLElementTagNameMap {
    'vitrine-self-view': HelpSelfView;
  }
}

import { css, html, LitElement, nothing } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/avatar/avatar.ts';
import '../../elements/badge/badge.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import '../../elements/spinner/spinner.ts';
import type { RecordedSide } from '../../protocol.ts';
import '../../staff/icons.ts';
import { picturesOf, type ReplayEngine } from '../engine/engine.ts';
import type { TrackPlayer } from '../engine/track-player.ts';
import './watermark.ts';

/** A short load is not worth a spinner, ms. */
const SPINNER_AFTER_MS = 250;

/**
 * One side of the call: its camera, or its screen with the camera small in a corner, or a placeholder; name, volume.
 *
 * All media elements of the side live in here for the whole replay, also those of a file that begins after a reload:
 * moving a playing element in the document would stop it. Which one is seen is a matter of classes.
 */
export class ReplayTile extends LitElement {
  static override properties = {
    side: { type: String },
    engine: { attribute: false },
    note: { attribute: false },
    small: { type: Boolean, reflect: true },
    wide: { type: Boolean, reflect: true },
  };
  static override styles = [
    base,
    css`
      :host {
        display: block;
        min-inline-size: 0;
        block-size: var(--replay-tile-size, auto);
      }
      figure {
        position: relative;
        display: grid;
        overflow: hidden;
        block-size: var(--replay-tile-size, auto);
        aspect-ratio: var(--replay-tile-ratio, 4 / 3);
        border-radius: var(--v-radius);
        background: var(--v-stage);
        color: var(--v-on-stage);
      }
      .pictures,
      .instead {
        grid-area: 1 / 1;
        min-inline-size: 0;
        min-block-size: 0;
      }
      .pictures {
        position: relative;
        container-type: size;
      }
      video {
        position: absolute;
        inset: 0;
        inline-size: 100%;
        block-size: 100%;
        object-fit: contain;
        visibility: hidden;
      }
      /* A picture on its side takes the stage's height for its width. */
      video[data-turn='180'] {
        transform: rotate(180deg);
      }
      video.main[data-turn='90'],
      video.main[data-turn='270'] {
        inset: 50% auto auto 50%;
        inline-size: 100cqb;
        block-size: 100cqi;
        transform: translate(-50%, -50%) rotate(90deg);
      }
      video.main[data-turn='270'] {
        transform: translate(-50%, -50%) rotate(270deg);
      }
      video.inset[data-turn='90'] {
        transform: rotate(90deg);
      }
      video.inset[data-turn='270'] {
        transform: rotate(270deg);
      }
      video.main,
      video.inset {
        visibility: visible;
      }
      video.inset {
        inset: var(--v-s3) var(--v-s3) auto auto;
        inline-size: 26%;
        block-size: auto;
        aspect-ratio: 4 / 3;
        border-radius: var(--v-radius-sm);
        background: var(--v-stage-raised);
        object-fit: cover;
        z-index: 1;
      }
      .instead {
        z-index: 2;
        display: grid;
        place-content: center;
        justify-items: center;
        gap: var(--v-s3);
        padding: var(--v-s4);
        padding-block-end: 64px;
        color: var(--v-on-stage-muted);
        font-size: var(--v-text-sm);
        text-align: center;
        --vt-avatar-size: 72px;
      }
      .loading {
        position: absolute;
        inset-block-start: var(--v-s3);
        inset-inline-start: var(--v-s3);
        z-index: 3;
      }
      figcaption {
        position: absolute;
        inset-inline: 0;
        inset-block-end: 0;
        z-index: 3;
        display: flex;
        align-items: center;
        gap: var(--v-s2);
        padding: var(--v-s5) var(--v-s3) var(--v-s2);
        background: linear-gradient(to top, rgb(0 0 0 / 0.72), transparent);
      }
      .name {
        overflow: hidden;
        font-size: var(--v-text-sm);
        font-weight: 600;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .mark {
        flex: none;
        inline-size: 10px;
        block-size: 10px;
        border-radius: 3px;
        background: var(--replay-agent);
      }
      .mark.buyer {
        background: var(--replay-buyer);
      }
      .sound {
        display: flex;
        align-items: center;
        gap: var(--v-s1);
        margin-inline-start: auto;
      }
      :host([wide]) figure {
        aspect-ratio: var(--replay-tile-ratio, 16 / 9);
      }
      :host([small]) .instead {
        padding: var(--v-s2);
        padding-block-end: 40px;
        font-size: var(--v-text-xs);
        --vt-avatar-size: 36px;
      }
      :host([small]) figcaption {
        padding: var(--v-s3) var(--v-s2) var(--v-s1);
      }
      :host([small]) .name {
        font-size: var(--v-text-xs);
      }
      :host([small]) input {
        display: none;
      }
      @media (max-width: 720px) {
        figure {
          aspect-ratio: var(--replay-tile-ratio, 16 / 9);
        }
        :host([small]) figure {
          aspect-ratio: 4 / 3;
        }
      }
      input {
        inline-size: clamp(56px, 9vw, 96px);
        min-block-size: 24px;
        accent-color: #fff;
      }
    `,
  ];

  declare side: RecordedSide;
  declare engine: ReplayEngine | undefined;
  /** Why there is no picture, when it is known. */
  declare note: string;
  /** Little room: only what is needed. */
  declare small: boolean;
  /** The large one of two. */
  declare wide: boolean;
  #loadingSince: number | undefined;
  #spinnerTimer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    this.side = 'buyer';
    this.engine = undefined;
    this.note = '';
    this.small = false;
    this.wide = false;
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    clearTimeout(this.#spinnerTimer);
  }

  override render() {
    const engine = this.engine;
    if (engine === undefined) return nothing;
    const mine = engine.players.filter((player) => player.track.side === this.side);
    const videos = mine.filter((player) => player.media === 'video');
    const { main, inset } = picturesOf(engine.players, this.side);
    const shown = main?.state === 'showing' || main?.state === 'loading' ? main : undefined;
    this.#place(videos, shown, inset?.state === 'failed' ? undefined : inset);
    const name = mine[0]?.track.name ?? '';
    const what = this.side === 'buyer' ? 'Buyer' : 'Agent';
    return html`<figure aria-label=${`${what}: ${name}`}>
      <div class="pictures">${mine.map((player) => player.element)}</div>
      ${shown === undefined ? this.#instead(name, mine, main) : nothing}
      ${this.#slow(mine) ? html`<vt-badge class="loading" tone="stage"><vt-spinner></vt-spinner> Loading</vt-badge>` : nothing}
      <figcaption>
        <span class="mark ${this.side}"></span>
        <span class="name">${what}${name && name !== what ? html` · <bdi>${name}</bdi>` : nothing}</span>
        ${this.#sound(engine, mine)}
      </figcaption>
      <replay-watermark></replay-watermark>
    </figure>`;
  }

  /** Shows the right picture; exactly one element of a side carries the test hook. */
  #place(videos: readonly TrackPlayer[], main: TrackPlayer | undefined, inset: TrackPlayer | undefined) {
    const hooked = main ?? videos[0];
    for (const player of videos) {
      const { element } = player;
      element.classList.toggle('main', player === main);
      element.classList.toggle('inset', player === inset && player !== main);
      if (player === hooked) element.dataset.testid = `replay-video-${this.side}`;
      else delete element.dataset.testid;
    }
  }

  #instead(name: string, mine: readonly TrackPlayer[], main: TrackPlayer | undefined) {
    if (main?.problem !== undefined) {
      return html`<div class="instead" role="alert">
        <p>${main.problem}</p>
        <vt-button variant="stage" icon="refresh" @click=${() => this.engine?.retry()}>Try again</vt-button>
      </div>`;
    }
    const voice = mine.some((player) => player.media === 'audio' && player.state !== 'gap');
    const silentFor =
      mine.length === 0 ? 'Nothing was recorded on this side' : voice ? 'Camera off' : 'Not connected';
    return html`<div class="instead"><vt-avatar name=${name}></vt-avatar><span>${this.note || silentFor}</span></div>`;
  }

  #sound(engine: ReplayEngine, mine: readonly TrackPlayer[]) {
    const voices = mine.filter((player) => player.media === 'audio');
    const broken = voices.find((player) => player.problem !== undefined);
    if (broken !== undefined) {
      return html`<span class="sound"><vt-badge tone="danger" title=${broken.problem ?? ''}>No sound</vt-badge></span>`;
    }
    const muted = engine.muted(this.side);
    const who = this.side === 'buyer' ? 'buyer' : 'agent';
    return html`<span class="sound">
      <vt-button
        variant="stage"
        size="sm"
        icon=${muted ? 'speaker-off' : 'speaker'}
        label=${muted ? `Hear the ${who}` : `Mute the ${who}`}
        .pressed=${muted}
        @click=${() => engine.setMuted(this.side, !muted)}
      ></vt-button>
      <input
        type="range"
        min="0"
        max="1"
        step="0.05"
        aria-label=${`Volume of the ${who}`}
        .value=${String(muted ? 0 : engine.volume(this.side))}
        @input=${(event: Event) => this.#onVolume(engine, Number((event.target as HTMLInputElement).value))}
      />
    </span>`;
  }

  #onVolume(engine: ReplayEngine, volume: number) {
    engine.setVolume(this.side, volume);
    engine.setMuted(this.side, volume === 0);
  }

  #slow(mine: readonly TrackPlayer[]): boolean {
    if (!mine.some((player) => player.state === 'loading')) {
      this.#loadingSince = undefined;
      clearTimeout(this.#spinnerTimer);
      return false;
    }
    const now = performance.now();
    if (this.#loadingSince === undefined) {
      this.#loadingSince = now;
      this.#spinnerTimer = setTimeout(() => this.requestUpdate(), SPINNER_AFTER_MS + 10);
    }
    return now - this.#loadingSince >= SPINNER_AFTER_MS;
  }
}

define('replay-tile', ReplayTile);

declare global {
  interface HTMLElementTagNameMap {
    'replay-tile': ReplayTile;
  }
}

import { css, html, nothing } from 'lit';

import { base } from '../design/base.ts';
import '../elements/badge/badge.ts';
import '../elements/banner/banner.ts';
import '../elements/button/button.ts';
import { define } from '../elements/define.ts';
import '../elements/icon/icon.ts';
import { FlowElement, screen } from './flow-element.ts';
import { productCard, productStyles } from './product.ts';
import './self-view.ts';

/** In line: the place, the expected wait, what it is about, and a way out. */
export class HelpWaiting extends FlowElement {
  static override styles = [
    base,
    screen,
    productStyles,
    css`
      .place {
        display: grid;
        justify-items: center;
        gap: var(--v-s2);
        padding-block: var(--v-s4) var(--v-s2);
        text-align: center;
      }
      .mark {
        position: relative;
        display: grid;
        place-items: center;
        inline-size: 88px;
        block-size: 88px;
        margin-block-end: var(--v-s2);
        border-radius: 50%;
        background: var(--v-accent-soft);
        color: var(--v-on-accent-soft);
        font-size: var(--v-text-2xl);
        font-weight: 700;
        --vt-icon-size: 36px;
      }
      .mark::before {
        content: '';
        position: absolute;
        inset: 0;
        border-radius: inherit;
        border: 2px solid var(--v-accent);
        opacity: 0;
        animation: ripple 2.4s var(--v-ease) infinite;
      }
      .mark.quiet::before {
        animation: none;
      }
      @keyframes ripple {
        0% {
          transform: scale(1);
          opacity: 0.6;
        }
        100% {
          transform: scale(1.35);
          opacity: 0;
        }
      }
      .me {
        display: flex;
        align-items: center;
        gap: var(--v-s3);
      }
      .me vitrine-self-view {
        inline-size: 112px;
        block-size: 84px;
        flex: none;
        border-radius: var(--v-radius);
      }
      .me .buttons {
        display: flex;
        gap: var(--v-s2);
      }
      .recording {
        display: flex;
        gap: var(--v-s2);
        align-items: center;
      }
    `,
  ];

  override render() {
    const { store, session, consent, media } = this.flow;
    const local = media?.local;
    const place = store?.queue;
    const lost = store?.linkState === 'retrying' && store.welcomed;
    const empty = place?.agents_on_duty === 0;
    return html`
      <div class="place" data-testid="waiting" role="status" aria-live="polite">
        <div class="mark ${empty ? 'quiet' : ''}" aria-hidden="true">
          ${place && !empty && place.position > 1 ? this.strings.t('waitingPlace', { n: place.position }).match(/\p{N}+/u)?.[0] : html`<vt-icon name=${empty ? 'clock' : 'chat'}></vt-icon>`}
        </div>
        <h2 id="title">${this.#headline()}</h2>
        <p class="muted">${this.#expectation()}</p>
      </div>
      ${lost ? html`<vt-banner tone="warn">${this.t('connectionLost')}</vt-banner>` : nothing}
      ${productCard(session?.context.product, this.t('about'))}
      <div class="me">
        <vitrine-self-view .track=${local?.camera.track} ?away=${local?.facesAway ?? false} label=${this.t('selfView')}></vitrine-self-view>
        <div class="stack">
          <div class="buttons">
            <vt-button
              round
              icon=${local?.microphone.state === 'live' ? 'mic' : 'mic-off'}
              label=${this.t('mute')}
              .pressed=${local?.microphone.state !== 'live'}
              @click=${() => local?.setMuted(local.microphone.state === 'live')}
            ></vt-button>
            <vt-button
              round
              icon=${local?.camera.track ? 'camera' : 'camera-off'}
              label=${this.t('cameraOff')}
              .pressed=${!local?.camera.track}
              @click=${() => local?.setCamera(!local.camera.track)}
            ></vt-button>
          </div>
          <div class="recording muted small">
            <vt-icon name="shield"></vt-icon>${this.t(consent?.recording ? 'willRecord' : 'willNotRecord')}
          </div>
        </div>
      </div>
      <div class="actions">
        <vt-button data-testid="leave-line" block @click=${() => this.flow.leave()}>${this.t('leaveLine')}</vt-button>
      </div>
    `;
  }

  #headline() {
    const { store } = this.flow;
    const place = store?.queue;
    if (store?.call?.state === 'ringing') return this.t('waitingRinging');
    if (!place) return this.t('waitingConnecting');
    if (place.agents_on_duty === 0) return this.t('waitingEmptyTitle');
    return place.position <= 1 ? this.t('waitingNext') : this.t('waitingPlace', { n: place.position });
  }

  #expectation() {
    const place = this.flow.store?.queue;
    if (!place) return '';
    if (place.agents_on_duty === 0) return this.t('waitingEmpty');
    const range = place.expected_wait_s;
    if (!range) return this.t('waitUnknown');
    return range[1] < 60
      ? this.t('waitShort')
      : this.t('waitRange', { range: this.strings.minutesRange(range) });
  }
}

define('vitrine-help-waiting', HelpWaiting);

declare global {
  interface HTMLElementTagNameMap {
    'vitrine-help-waiting': HelpWaiting;
  }
}

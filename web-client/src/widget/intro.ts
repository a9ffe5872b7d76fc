import { css, html, nothing } from 'lit';

import { base } from '../design/base.ts';
import '../elements/avatar/avatar.ts';
import '../elements/badge/badge.ts';
import '../elements/button/button.ts';
import { define } from '../elements/define.ts';
import '../elements/icon/icon.ts';
import { FlowElement, screen } from './flow-element.ts';
import { productCard, productStyles } from './product.ts';

/** First screen: who will answer, what it is about, and the choice about recording. Neither choice is preset or louder. */
export class HelpIntro extends FlowElement {
  static override styles = [
    base,
    screen,
    productStyles,
    css`
      .who {
        display: flex;
        gap: var(--v-s3);
        align-items: center;
        --vt-avatar-size: 52px;
      }
      .who h2 {
        font-size: var(--v-text-lg);
      }
      .who vt-badge {
        margin-block-start: var(--v-s1);
        white-space: normal;
      }
      .choice {
        padding: var(--v-s4);
        background: var(--v-sunken);
        border: 1px solid var(--v-line);
        border-radius: var(--v-radius);
      }
      .choice h3 {
        display: flex;
        align-items: center;
        gap: var(--v-s2);
        font-size: var(--v-text-md);
        --vt-icon-size: 20px;
      }
      .choice h3 vt-icon {
        color: var(--v-accent);
      }
      .choice p {
        font-size: var(--v-text-sm);
      }
      .both {
        display: grid;
        grid-template-columns: 1fr 1fr;
        gap: var(--v-s2);
      }
      .later {
        display: flex;
        gap: var(--v-s2);
        justify-content: center;
        text-align: center;
        font-size: var(--v-text-xs);
        color: var(--v-muted);
      }
    `,
  ];

  override render() {
    const { session } = this.flow;
    if (!session) return nothing;
    const onDuty = session.agents_on_duty;
    return html`
      <div class="scroll" role="group" aria-labelledby="title" tabindex="0">
      <div class="who">
        <vt-avatar name=${session.answered_by}></vt-avatar>
        <div>
          <h2 id="title">${this.t('introTitle', { who: session.answered_by })}</h2>
          <vt-badge tone=${onDuty > 0 ? 'ok' : 'warn'} dot
            >${onDuty > 0 ? this.t('onDuty', { n: onDuty }) : this.t('offDuty')}</vt-badge
          >
        </div>
      </div>
      <p class="muted small">${onDuty > 0 ? this.t('introLead') : this.t('offDutyHint')}</p>
      ${productCard(session.context.product, this.t('about'))}
      ${
        session.consent
          ? html`<section class="choice stack" aria-labelledby="recording">
              <h3 id="recording"><vt-icon name="shield"></vt-icon>${this.t('recordingTitle')}</h3>
              <p id="consent-text" lang=${session.consent.language}>${session.consent.text}</p>
            </section>`
          : html`<p class="later" data-testid="never-recorded"><vt-icon name="shield"></vt-icon>${this.t('willNotRecord')}</p>`
      }
      <p class="later">${this.t('devicesLater')}</p>
      </div>
      <footer>${session.consent ? this.#choice() : this.#goOn()}</footer>
    `;
  }

  /** Nobody is asked about what will not be. */
  #goOn() {
    return html`<vt-button data-testid="go-on" variant="primary" size="lg" block @click=${() => this.flow.choose(false)}
      >${this.t('continue')}</vt-button
    >`;
  }

  #choice() {
    return html`<p>${this.t('consentSame')}</p>
        <div class="both">
          <vt-button data-testid="consent-decline" size="lg" @click=${() => this.flow.choose(false)}
            >${this.t('consentDecline')}</vt-button
          >
          <vt-button data-testid="consent-accept" size="lg" @click=${() => this.flow.choose(true)}
            >${this.t('consentAccept')}</vt-button
          >
        </div>`;
  }
}

define('vitrine-help-intro', HelpIntro);

declare global {
  interface HTMLElementTagNameMap {
    'vitrine-help-intro': HelpIntro;
  }
}

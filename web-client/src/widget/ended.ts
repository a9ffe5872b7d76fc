import { css, html } from 'lit';

import { base } from '../design/base.ts';
import '../elements/button/button.ts';
import { define } from '../elements/define.ts';
import '../elements/icon/icon.ts';
import type { Key } from '../locales/catalogue.ts';
import type { FlowEnd } from './flow.ts';
import { FlowElement, screen } from './flow-element.ts';
import './rating.ts';

/** The last screen, for good ends and for failures: what happened, what about the recording, what one can do now. */
export class HelpEnded extends FlowElement {
  static override styles = [
    base,
    screen,
    css`
      .what {
        display: grid;
        justify-items: center;
        gap: var(--v-s3);
        margin-block: auto;
        padding-block: var(--v-s5);
        text-align: center;
      }
      .mark {
        display: grid;
        place-items: center;
        inline-size: 72px;
        block-size: 72px;
        border-radius: 50%;
        background: var(--v-ok-soft);
        color: var(--v-on-ok-soft);
        --vt-icon-size: 32px;
      }
      .mark.warn {
        background: var(--v-warn-soft);
        color: var(--v-on-warn-soft);
      }
      .what p {
        max-inline-size: 40ch;
        text-wrap: pretty;
      }
      .fact {
        display: flex;
        gap: var(--v-s2);
        align-items: center;
      }
      .code {
        font-size: var(--v-text-xs);
        overflow-wrap: anywhere;
      }
      .actions {
        margin-block-start: 0;
      }
    `,
  ];

  override render() {
    return this.flow.state === 'error' ? this.#error() : this.#end();
  }

  #end() {
    const end = this.flow.end;
    if (!end) return html``;
    const good = ['agent_hung_up', 'buyer_hung_up', 'left', 'elsewhere', 'gone'].includes(end.reason);
    const agent = end.agent ?? this.flow.session?.answered_by ?? '';
    const [title, text] = endText(end);
    const talked = end.reason !== 'elsewhere' && end.durationMs !== undefined && end.durationMs >= 1_000;
    return html`<div class="what" data-testid="ended" data-reason=${end.reason} role="status">
        <div class="mark ${good ? '' : 'warn'}"><vt-icon name=${good ? 'check' : 'offline'}></vt-icon></div>
        <h2 id="title">${this.t(title)}</h2>
        <p class="muted">${this.t(text, { name: agent })}</p>
        ${
          talked
            ? html`<p class="fact muted small"><vt-icon name="clock"></vt-icon>${this.t('endedDuration', { duration: this.strings.duration(end.durationMs ?? 0) })}</p>
                <p class="fact muted small"><vt-icon name="shield"></vt-icon>${this.t(recordingText(end))}</p>`
            : ''
        }
        ${talked && this.flow.rating ? html`<vitrine-help-rating .flow=${this.flow} .strings=${this.strings}></vitrine-help-rating>` : ''}
      </div>
      <div class="actions">
        <vt-button data-testid="done" variant="primary" size="lg" block @click=${() => this.flow.close()}>${this.t('close')}</vt-button>
        <vt-button data-testid="call-again" variant="quiet" block @click=${() => this.flow.open()}>${this.t('callAgain')}</vt-button>
      </div>`;
  }

  #error() {
    const error = this.flow.error;
    return html`<div class="what" data-testid="error" role="alert">
        <div class="mark warn"><vt-icon name=${error?.code === 'network' ? 'offline' : 'alert'}></vt-icon></div>
        <h2 id="title">${this.t('errorTitle')}</h2>
        <p class="muted">${this.t(error?.text ?? 'errorServer')}</p>
        <p class="muted code">${this.t('errorCode', { code: error?.code ?? '' })}</p>
      </div>
      <div class="actions">
        <vt-button data-testid="retry" variant="primary" size="lg" block icon="refresh" @click=${() => this.flow.open()}>${this.t('retry')}</vt-button>
        <vt-button variant="quiet" block @click=${() => this.flow.close()}>${this.t('close')}</vt-button>
      </div>`;
  }
}

function endText(end: FlowEnd): [title: Key, text: Key] {
  switch (end.reason) {
    case 'agent_hung_up':
      return ['endedTitle', 'endedByAgent'];
    case 'buyer_hung_up':
      return ['endedTitle', 'endedByYou'];
    case 'left':
    case 'abandoned':
      return ['endedLeftTitle', 'endedLeft'];
    case 'buyer_lost':
      return ['endedLostTitle', 'endedBuyerLost'];
    case 'agent_lost':
      return ['endedLostTitle', 'endedAgentLost'];
    case 'server_stopped':
      return ['endedLostTitle', 'endedServer'];
    case 'elsewhere':
      return ['endedElsewhereTitle', 'endedElsewhere'];
    case 'gone':
      return ['endedTitle', 'endedGone'];
  }
}

function recordingText(end: FlowEnd): Key {
  switch (end.recording) {
    case 'on':
    case 'paused':
    case 'stopped':
      return 'endedRecorded';
    case 'deleted':
      return 'endedDeleted';
    case 'withheld':
      return 'endedWithheld';
    default:
      return 'endedNotRecorded';
  }
}

define('vitrine-help-ended', HelpEnded);

declare global {
  interface HTMLElementTagNameMap {
    'vitrine-help-ended': HelpEnded;
  }
}

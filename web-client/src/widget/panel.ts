import { css, html, nothing, type PropertyValues } from 'lit';

import { base } from '../design/base.ts';
import '../elements/button/button.ts';
import { define } from '../elements/define.ts';
import '../elements/spinner/spinner.ts';
import { Attention } from './attention.ts';
import './call.ts';
import './check.ts';
import './ended.ts';
import type { FlowState } from './flow.ts';
import { FlowElement } from './flow-element.ts';
import './intro.ts';
import './sheet.ts';
import './waiting.ts';

/** Up to this width the window covers the screen and keeps the focus; above, it is a card beside the page. */
const PHONE = '(max-width: 640px), (max-height: 480px)';

type Question = 'leave' | 'withdraw' | 'agree';

/**
 * The window of the widget: on phones the whole screen, elsewhere a card at the lower end of the page, so that the
 * buyer can go on looking at the product. It lies in the browser's top layer, above whatever the shop's page has.
 */
export class HelpPanel extends FlowElement {
  static override properties = { question: { state: true }, phone: { state: true } };
  static override styles = [
    base,
    css`
      .window {
        position: fixed;
        inset: auto;
        inset-block-end: var(--v-s4);
        inset-inline-end: var(--v-s4);
        z-index: 2147483000;
        display: flex;
        flex-direction: column;
        inline-size: 400px;
        max-block-size: min(760px, calc(100dvb - 32px));
        margin: 0;
        padding: 0;
        border: 1px solid var(--v-line);
        border-radius: var(--v-radius-lg);
        overflow: hidden;
        background: var(--v-surface);
        color: var(--v-text);
        box-shadow: var(--v-shadow-3);
        font: 400 var(--v-text-md) / var(--v-leading) var(--v-font);
        text-align: start;
        animation: rise var(--v-slow) var(--v-ease);
      }
      /* It takes the focus so that reading begins here; it is nothing to press. */
      .window:focus-visible {
        outline: none;
      }
      .window.tall {
        block-size: min(720px, calc(100dvb - 32px));
      }
      .window.phone {
        inset: 0;
        inline-size: 100%;
        max-inline-size: none;
        block-size: 100dvb;
        max-block-size: none;
        border: 0;
        border-radius: 0;
      }
      .window.call {
        background: var(--v-stage);
        border-color: var(--v-stage-raised);
      }
      @keyframes rise {
        from {
          opacity: 0;
          transform: translateY(16px);
        }
      }
      header {
        display: flex;
        align-items: center;
        justify-content: space-between;
        gap: var(--v-s2);
        flex: none;
        padding: var(--v-s3) var(--v-s3) var(--v-s1) var(--v-s5);
      }
      header .name {
        display: flex;
        align-items: center;
        gap: var(--v-s2);
        min-inline-size: 0;
        font-size: var(--v-text-sm);
        font-weight: 600;
        color: var(--v-muted);
      }
      header .name vt-icon {
        color: var(--v-accent);
      }
      .window.call header {
        position: absolute;
        z-index: 1;
        inset-block-start: 0;
        inset-inline-end: 0;
        padding: var(--v-s3);
      }
      .window.call header .name {
        display: none;
      }
      .content {
        display: flex;
        flex-direction: column;
        flex: 1;
        min-block-size: 0;
      }
      .loading {
        display: grid;
        place-content: center;
        justify-items: center;
        gap: var(--v-s3);
        flex: 1;
        min-block-size: 280px;
        color: var(--v-muted);
        --vt-spinner-size: 32px;
      }
      .end {
        position: absolute;
      }
    `,
  ];

  declare question: Question | undefined;
  declare phone: boolean;
  readonly #query = globalThis.matchMedia?.(PHONE);
  readonly #attention = new Attention(this);
  #before: FlowState | undefined;
  #pageOverflow: string | undefined;

  constructor() {
    super();
    this.question = undefined;
    this.phone = this.#query?.matches ?? false;
  }

  override connectedCallback() {
    super.connectedCallback();
    this.#query?.addEventListener('change', this.#onQuery);
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    this.#query?.removeEventListener('change', this.#onQuery);
    this.#holdPage(false);
  }

  override render() {
    const { state, session } = this.flow;
    if (state === 'closed') return nothing;
    const classes = ['window', state, this.phone ? 'phone' : '', state === 'intro' ? '' : 'tall'].join(' ');
    return html`<div
      class=${classes}
      popover="manual"
      role="dialog"
      aria-modal=${this.phone ? 'true' : 'false'}
      aria-label=${this.t('dialogName', { who: session?.answered_by ?? '' })}
      dir=${this.strings.dir}
      lang=${this.strings.tag}
      data-testid="panel"
      data-state=${state}
      tabindex="-1"
      @keydown=${this.#onKey}
    >
      ${this.phone ? html`<span class="end" tabindex="0" @focus=${() => this.#wrap('last')}></span>` : nothing}
      <header ?inert=${this.question !== undefined}>
        <span class="name"><vt-icon name="chat"></vt-icon>${this.t('open')}</span>
        <vt-button
          data-testid="close"
          variant=${state === 'call' ? 'stage' : 'quiet'}
          round
          icon="close"
          label=${this.t('close')}
          @click=${this.#askToClose}
        ></vt-button>
      </header>
      <div class="content" ?inert=${this.question !== undefined}>${this.#screen(state)}</div>
      ${this.#sheet()}
      ${this.phone ? html`<span class="end" tabindex="0" @focus=${() => this.#wrap('first')}></span>` : nothing}
    </div>`;
  }

  override updated(_changed: PropertyValues) {
    const state = this.flow.state;
    const open = state !== 'closed';
    const element = this.renderRoot.querySelector<HTMLElement>('.window');
    if (element && 'showPopover' in element && !element.matches(':popover-open')) element.showPopover();
    this.#holdPage(open && this.phone);
    if (state !== this.#before) {
      this.#attention.follow(state, this.flow.mediaModule);
      // A question about a state that is over has lost its point.
      this.question = undefined;
      this.#before = state;
      if (open) element?.focus({ preventScroll: true });
    }
  }

  #screen(state: FlowState) {
    const { flow, strings } = this;
    switch (state) {
      case 'loading':
        return html`<div class="loading" role="status"><vt-spinner></vt-spinner><span>${this.t('loading')}</span></div>`;
      case 'intro':
        return html`<vitrine-help-intro footed .flow=${flow} .strings=${strings}></vitrine-help-intro>`;
      case 'check':
        return html`<vitrine-help-check footed .flow=${flow} .strings=${strings}></vitrine-help-check>`;
      case 'waiting':
        return html`<vitrine-help-waiting .flow=${flow} .strings=${strings}></vitrine-help-waiting>`;
      case 'call':
        return html`<vitrine-help-call
          .flow=${flow}
          .strings=${strings}
          @ask-consent=${(event: CustomEvent<boolean>) => {
            this.question = event.detail ? 'agree' : 'withdraw';
          }}
        ></vitrine-help-call>`;
      case 'ended':
      case 'error':
        return html`<vitrine-help-ended .flow=${flow} .strings=${strings}></vitrine-help-ended>`;
      case 'closed':
        return nothing;
    }
  }

  #sheet() {
    const { flow } = this;
    const no = () => {
      this.question = undefined;
      this.renderRoot.querySelector<HTMLElement>('.window')?.focus();
    };
    const then = (act: () => void) => () => {
      no();
      act();
    };
    switch (this.question) {
      case 'leave': {
        const call = flow.state === 'call';
        return html`<vitrine-help-sheet
          danger
          heading=${this.t(call ? 'leaveCallTitle' : 'leaveLineTitle')}
          yes=${this.t(call ? 'hangUp' : 'leaveLine')}
          no=${this.t('stay')}
          yes-testid="leave-confirm"
          @sheet-yes=${then(() => flow.leave())}
          @sheet-no=${no}
          >${this.t(call ? 'leaveCallText' : 'leaveLineText')}</vitrine-help-sheet
        >`;
      }
      case 'withdraw':
        return html`<vitrine-help-sheet
          danger
          heading=${this.t('withdrawTitle')}
          yes=${this.t('withdrawConfirm')}
          no=${this.t('keepRecording')}
          yes-testid="withdraw-confirm"
          @sheet-yes=${then(() => flow.setConsent(false))}
          @sheet-no=${no}
          >${this.t('withdrawText')}</vitrine-help-sheet
        >`;
      case 'agree':
        return html`<vitrine-help-sheet
          heading=${this.t('agreeTitle')}
          yes=${this.t('agreeConfirm')}
          no=${this.t('notNow')}
          yes-testid="agree-confirm"
          @sheet-yes=${then(() => flow.setConsent(true))}
          @sheet-no=${no}
          ><span lang=${flow.session?.consent?.language ?? ''}>${flow.session?.consent?.text}</span></vitrine-help-sheet
        >`;
      default:
        return nothing;
    }
  }

  readonly #onQuery = (event: MediaQueryListEvent) => {
    this.phone = event.matches;
  };

  #onKey(event: KeyboardEvent) {
    if (event.key !== 'Escape' || event.defaultPrevented) return;
    event.preventDefault();
    if (this.question) this.question = undefined;
    else this.#askToClose();
  }

  #askToClose() {
    if (this.flow.engaged) this.question = 'leave';
    else this.flow.close();
  }

  /** The page behind a full-screen window does not scroll. */
  #holdPage(hold: boolean) {
    const { style } = document.documentElement;
    if (hold && this.#pageOverflow === undefined) {
      this.#pageOverflow = style.overflow;
      style.overflow = 'hidden';
    } else if (!hold && this.#pageOverflow !== undefined) {
      style.overflow = this.#pageOverflow;
      this.#pageOverflow = undefined;
    }
  }

  /** Tab past the end of a full-screen window goes round. */
  #wrap(to: 'first' | 'last') {
    const root = this.renderRoot.querySelector('.window');
    const all = root ? [...focusable(root)] : [];
    (to === 'first' ? all[0] : all.at(-1))?.focus();
  }
}

/** What Tab stops at, in order, through shadow roots; without the guards at both ends. */
function* focusable(root: Element | ShadowRoot): Generator<HTMLElement> {
  for (const element of root.querySelectorAll<HTMLElement>('*')) {
    if (element.closest('[inert], [hidden]') || element.classList.contains('end')) continue;
    if (element.shadowRoot) yield* focusable(element.shadowRoot);
    else if (element.matches('button:not(:disabled), input, select, textarea, a[href], [tabindex="0"]'))
      yield element;
  }
}

define('vitrine-help-panel', HelpPanel);

declare global {
  interface HTMLElementTagNameMap {
    'vitrine-help-panel': HelpPanel;
  }
}

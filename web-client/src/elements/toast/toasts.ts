import { css, html, LitElement, nothing } from 'lit';

import { base } from '../../design/base.ts';
import { TONE_ICONS, type Tone } from '../banner/banner.ts';
import '../button/button.ts';
import { define } from '../define.ts';
import '../icon/icon.ts';

/** How long a toast stays, milliseconds: enough to read two lines. Errors stay until closed. */
const STAY_MS = 6_000;
/** With something to press in it: enough to read, decide and get there (WCAG 2.2.1 asks for 20 s). */
const STAY_WITH_ACTION_MS = 20_000;
/** More than this would cover the page; the oldest goes. */
const TOASTS_MAX = 3;

/** What can still be done about what a toast says, such as undoing it. */
export interface ToastAction {
  readonly label: string;
  readonly run: () => unknown;
}

interface Toast {
  id: number;
  text: string;
  tone: Tone;
  action: ToastAction | undefined;
}

/** The place where short messages about finished actions appear. One a page; call {@link VtToasts.show}. */
export class VtToasts extends LitElement {
  static override properties = {
    closeLabel: { type: String, attribute: 'close-label' },
    toasts: { state: true },
  };
  static override styles = [
    base,
    css`
      :host {
        position: fixed;
        inset-block-end: var(--v-s4);
        inset-inline: var(--v-s4);
        z-index: 100;
        pointer-events: none;
      }
      .all {
        display: grid;
        justify-items: center;
        gap: var(--v-s2);
      }
      .toast {
        display: flex;
        align-items: center;
        gap: var(--v-s3);
        max-inline-size: 480px;
        padding-block: var(--v-s2);
        padding-inline: var(--v-s4) var(--v-s2);
        border-radius: var(--v-radius);
        background: var(--v-text);
        color: var(--v-surface);
        box-shadow: var(--v-shadow-3);
        font: 500 var(--v-text-sm) / var(--v-leading) var(--v-font);
        pointer-events: auto;
        animation: rise var(--v-slow) var(--v-ease);
      }
      .toast.danger {
        background: var(--v-danger);
        color: var(--v-on-danger);
      }
      .text {
        flex: 1;
      }
      @keyframes rise {
        from {
          opacity: 0;
          transform: translateY(8px);
        }
      }
    `,
  ];

  /** Name of the close button, in the language of the surface. */
  declare closeLabel: string;
  declare toasts: Toast[];
  #next = 1;

  constructor() {
    super();
    this.closeLabel = 'Close';
    this.toasts = [];
  }

  /** Shows a message; polite for screen readers, assertive when it is an error. */
  show(text: string, tone: Tone = 'ok', action?: ToastAction): void {
    const id = this.#next++;
    this.toasts = [...this.toasts, { id, text, tone, action }].slice(-TOASTS_MAX);
    if (tone !== 'danger') setTimeout(() => this.#close(id), action ? STAY_WITH_ACTION_MS : STAY_MS);
  }

  override render() {
    return html`<div class="all" aria-live="polite">
      ${this.toasts.map(
        (toast) => html`<div class="toast ${toast.tone}" role=${toast.tone === 'danger' ? 'alert' : 'status'}>
          <vt-icon name=${TONE_ICONS[toast.tone]}></vt-icon>
          <span class="text">${toast.text}</span>
          ${
            toast.action
              ? html`<vt-button variant="quiet" size="sm" data-testid="toast-action" @click=${() => this.#act(toast)}>${toast.action.label}</vt-button>`
              : nothing
          }
          <vt-button variant="quiet" size="sm" icon="close" label=${this.closeLabel} @click=${() => this.#close(toast.id)}></vt-button>
        </div>`,
      )}
    </div>`;
  }

  #act(toast: Toast) {
    this.#close(toast.id);
    toast.action?.run();
  }

  #close(id: number) {
    this.toasts = this.toasts.filter((toast) => toast.id !== id);
  }
}

define('vt-toasts', VtToasts);

declare global {
  interface HTMLElementTagNameMap {
    'vt-toasts': VtToasts;
  }
}

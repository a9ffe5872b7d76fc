import { css, html, LitElement, nothing } from 'lit';

import { base } from '../../design/base.ts';
import { define } from '../define.ts';
import '../icon/icon.ts';
import '../spinner/spinner.ts';

/** How loud the button is. `stage` is for controls on video. */
export type ButtonVariant = 'primary' | 'secondary' | 'quiet' | 'danger' | 'stage' | 'stage-danger';

/**
 * A button: words, an icon, or both.
 *
 * `label` names a button without words (and becomes its tooltip). `pressed` makes it a toggle. While `busy` it shows
 * a spinner and does nothing. `type="submit"` submits the form around it.
 *
 * @slot - the words
 */
export class VtButton extends LitElement {
  static formAssociated = true;
  static override shadowRootOptions: ShadowRootInit = { mode: 'open', delegatesFocus: true };
  static override properties = {
    variant: { type: String, reflect: true },
    size: { type: String, reflect: true },
    type: { type: String },
    icon: { type: String, reflect: true },
    label: { type: String },
    disabled: { type: Boolean, reflect: true },
    busy: { type: Boolean, reflect: true },
    pressed: { attribute: false },
    expanded: { attribute: false },
    round: { type: Boolean, reflect: true },
    block: { type: Boolean, reflect: true },
  };
  static override styles = [
    base,
    css`
      :host {
        display: inline-flex;
        vertical-align: middle;
        min-inline-size: 0;
      }
      :host([block]) {
        display: flex;
      }
      button {
        display: inline-flex;
        align-items: center;
        justify-content: center;
        gap: var(--v-s2);
        inline-size: 100%;
        min-block-size: var(--v-target);
        min-inline-size: var(--v-target);
        padding: var(--v-s2) var(--v-s4);
        border: 1px solid transparent;
        border-radius: var(--v-radius);
        font: 600 var(--v-text-sm) / 1.25 var(--v-font);
        color: inherit;
        background: none;
        cursor: pointer;
        text-align: center;
        -webkit-tap-highlight-color: transparent;
        transition:
          background-color var(--v-fast) var(--v-ease),
          border-color var(--v-fast) var(--v-ease),
          transform var(--v-fast) var(--v-ease);
      }
      button:active:not(:disabled) {
        transform: scale(0.98);
      }
      :host([size='sm']) button {
        min-block-size: max(32px, calc(var(--v-target) - 8px));
        padding: var(--v-s1) var(--v-s3);
        border-radius: var(--v-radius-sm);
      }
      :host([size='lg']) button {
        min-block-size: 52px;
        padding: var(--v-s3) var(--v-s5);
        font-size: var(--v-text-md);
      }
      :host([round]) button {
        border-radius: var(--v-radius-full);
      }
      button.bare {
        padding: var(--v-s2);
      }
      :host([variant='secondary']) button {
        background: var(--v-surface);
        border-color: var(--v-line-strong);
        color: var(--v-text);
      }
      :host([variant='primary']) button {
        background: var(--v-accent);
        color: var(--v-on-accent);
      }
      :host([variant='danger']) button {
        background: var(--v-danger);
        color: var(--v-on-danger);
      }
      :host([variant='quiet']) button[aria-pressed='true'],
      :host([variant='secondary']) button[aria-pressed='true'] {
        background: var(--v-accent-soft);
        border-color: var(--v-accent);
        color: var(--v-on-accent-soft);
      }
      :host([variant^='stage']) button {
        background: color-mix(in srgb, var(--v-stage-raised) 92%, transparent);
        color: var(--v-on-stage);
        --v-focus: #ffffff;
      }
      :host([variant='stage']) button[aria-pressed='true'] {
        background: var(--v-on-stage);
        color: var(--v-stage);
      }
      :host([variant='stage-danger']) button {
        background: var(--v-stage-danger);
        color: var(--v-on-stage-danger);
      }
      /* Only where a pointer can hover: on touch screens the last tap would leave its mark. */
      @media (hover: hover) {
        :host([variant='secondary']) button:not([aria-pressed='true']):hover:not(:disabled),
        :host([variant='quiet']) button:not([aria-pressed='true']):hover:not(:disabled) {
          background: var(--v-hover);
        }
        :host([variant='primary']) button:not([aria-pressed='true']):hover:not(:disabled) {
          background: var(--v-accent-hover);
        }
        :host([variant='danger']) button:not([aria-pressed='true']):hover:not(:disabled) {
          background: var(--v-danger-hover);
        }
        :host([variant^='stage']) button:not([aria-pressed='true']):hover:not(:disabled) {
          background: #35413f;
        }
        :host([variant='stage-danger']) button:not([aria-pressed='true']):hover:not(:disabled) {
          background: #b92c21;
        }
      }
      button:disabled {
        cursor: not-allowed;
        opacity: 0.5;
      }
      :host([busy]) button:disabled {
        cursor: progress;
        opacity: 0.85;
      }
      @media (forced-colors: active) {
        button {
          border-color: ButtonBorder;
        }
      }
    `,
  ];

  declare variant: ButtonVariant;
  declare size: 'sm' | 'md' | 'lg';
  declare type: 'button' | 'submit';
  declare icon: string;
  /** Accessible name, needed when there are no words. */
  declare label: string;
  declare disabled: boolean;
  declare busy: boolean;
  /** Set it (true or false) to make a toggle of the button. */
  declare pressed: boolean | undefined;
  /** Set it when the button opens something. */
  declare expanded: boolean | undefined;
  declare round: boolean;
  declare block: boolean;

  readonly #internals = this.attachInternals();
  #hasWords = false;

  constructor() {
    super();
    this.variant = 'secondary';
    this.size = 'md';
    this.type = 'button';
    this.icon = '';
    this.label = '';
    this.disabled = false;
    this.busy = false;
    this.pressed = undefined;
    this.expanded = undefined;
    this.round = false;
    this.block = false;
    // Clicks of a host that is disabled or busy must not reach listeners on the host.
    this.addEventListener('click', this.#onClick, { capture: true });
  }

  override render() {
    const toggle = this.pressed === undefined ? nothing : this.pressed ? 'true' : 'false';
    const expanded = this.expanded === undefined ? nothing : this.expanded ? 'true' : 'false';
    return html`<button
      class=${this.#hasWords ? '' : 'bare'}
      type="button"
      ?disabled=${this.disabled || this.busy}
      aria-label=${this.label || nothing}
      title=${this.label && !this.#hasWords ? this.label : nothing}
      aria-pressed=${toggle}
      aria-expanded=${expanded}
      aria-busy=${this.busy ? 'true' : nothing}
    >
      ${this.busy ? html`<vt-spinner></vt-spinner>` : this.icon ? html`<vt-icon name=${this.icon}></vt-icon>` : nothing}
      <slot @slotchange=${this.#onSlot}></slot>
    </button>`;
  }

  #onSlot(event: Event) {
    const nodes = (event.target as HTMLSlotElement).assignedNodes({ flatten: true });
    this.#hasWords = nodes.some((node) => node.textContent?.trim());
    this.requestUpdate();
  }

  #onClick(event: Event) {
    if (this.disabled || this.busy) {
      event.stopImmediatePropagation();
      event.preventDefault();
    } else if (this.type === 'submit') {
      this.#internals.form?.requestSubmit();
    }
  }
}

define('vt-button', VtButton);

declare global {
  interface HTMLElementTagNameMap {
    'vt-button': VtButton;
  }
}

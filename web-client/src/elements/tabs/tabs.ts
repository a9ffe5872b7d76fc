import { css, html, LitElement, nothing } from 'lit';

import { base } from '../../design/base.ts';
import { define } from '../define.ts';

/** One tab; its panel is what stands in the slot of its id. */
export interface Tab {
  readonly id: string;
  readonly label: string;
  /** How much there is to find in it. */
  readonly count?: number;
}

/**
 * Panels of which one is shown, with the keys of the ARIA tabs pattern: arrows, Home and End move and choose.
 *
 * Panels that are not shown stay in the document, so what was typed into them is kept.
 *
 * @slot <tab id> - the panel of a tab
 * @fires vt-tab - another tab was chosen; `detail` is its id
 */
export class VtTabs extends LitElement {
  static override properties = {
    tabs: { attribute: false },
    selected: { type: String, reflect: true },
    label: { type: String },
  };
  static override styles = [
    base,
    css`
      :host {
        display: flex;
        flex-direction: column;
        min-inline-size: 0;
        min-block-size: 0;
      }
      [role='tablist'] {
        display: flex;
        flex: none;
        gap: var(--v-s1);
        overflow-x: auto;
        padding: var(--v-s1) var(--v-s2) 0;
        border-block-end: 1px solid var(--v-line);
      }
      button {
        flex: none;
        min-block-size: var(--v-target);
        padding: 0 var(--v-s3);
        border: 0;
        border-block-end: 3px solid transparent;
        border-radius: var(--v-radius-sm) var(--v-radius-sm) 0 0;
        background: none;
        color: var(--v-muted);
        font: 600 var(--v-text-sm) / 1.25 var(--v-font);
        white-space: nowrap;
        cursor: pointer;
      }
      button:focus-visible {
        outline-offset: -2px;
      }
      button[aria-selected='true'] {
        border-block-end-color: var(--v-accent);
        color: var(--v-text);
      }
      @media (hover: hover) {
        button:hover {
          background: var(--v-hover);
          color: var(--v-text);
        }
      }
      /* Four of them with counts fit on a phone of 360 px. */
      @media (max-width: 400px) {
        [role='tablist'] {
          gap: 0;
          padding-inline: var(--v-s1);
        }
        button {
          padding-inline: var(--v-s2);
        }
      }
      .count {
        display: inline-block;
        margin-inline-start: var(--v-s1);
        color: var(--v-muted);
        font-weight: 500;
        font-variant-numeric: tabular-nums;
      }
      [role='tabpanel'] {
        flex: 1;
        min-block-size: 0;
      }
      @media (forced-colors: active) {
        button[aria-selected='true'] {
          border-block-end-color: Highlight;
        }
      }
    `,
  ];

  declare tabs: readonly Tab[];
  /** Id of the tab shown; the first one when no tab has it. */
  declare selected: string;
  /** Accessible name of the row of tabs. */
  declare label: string;

  constructor() {
    super();
    this.tabs = [];
    this.selected = '';
    this.label = '';
  }

  override render() {
    const shown = this.#shown();
    return html`<div role="tablist" aria-label=${this.label || nothing} @keydown=${this.#onKey}>
        ${this.tabs.map(
          ({ id, label, count }) => html`<button
            role="tab"
            id="tab-${id}"
            data-testid="tab-${id}"
            aria-selected=${id === shown ? 'true' : 'false'}
            aria-controls="panel-${id}"
            tabindex=${id === shown ? '0' : '-1'}
            @click=${() => this.#choose(id)}
          >
            ${label}${count === undefined ? nothing : html`<span class="count">${count}</span>`}
          </button>`,
        )}
      </div>
      ${this.tabs.map(
        ({
          id,
        }) => html`<div role="tabpanel" id="panel-${id}" aria-labelledby="tab-${id}" ?hidden=${id !== shown}>
          <slot name=${id}></slot>
        </div>`,
      )}`;
  }

  #shown(): string | undefined {
    return (this.tabs.find(({ id }) => id === this.selected) ?? this.tabs[0])?.id;
  }

  #onKey(event: KeyboardEvent) {
    const at = this.tabs.findIndex(({ id }) => id === this.#shown());
    const last = this.tabs.length - 1;
    const rtl = getComputedStyle(this).direction === 'rtl';
    const steps: Record<string, number> = {
      ArrowRight: rtl ? at - 1 : at + 1,
      ArrowLeft: rtl ? at + 1 : at - 1,
      Home: 0,
      End: last,
    };
    const to = steps[event.key];
    if (to === undefined || last < 0) return;
    event.preventDefault();
    event.stopPropagation();
    const tab = this.tabs[(to + this.tabs.length) % this.tabs.length];
    if (tab === undefined) return;
    this.#choose(tab.id);
    void this.updateComplete.then(() =>
      this.renderRoot.querySelector<HTMLElement>(`#tab-${CSS.escape(tab.id)}`)?.focus(),
    );
  }

  #choose(id: string) {
    if (id === this.#shown()) return;
    this.selected = id;
    this.dispatchEvent(new CustomEvent<string>('vt-tab', { detail: id }));
  }
}

define('vt-tabs', VtTabs);

declare global {
  interface HTMLElementTagNameMap {
    'vt-tabs': VtTabs;
  }
}

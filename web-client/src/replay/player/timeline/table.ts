import { css, html, LitElement, nothing } from 'lit';

import { base } from '../../../design/base.ts';
import { define } from '../../../elements/define.ts';
import { clockTime, spokenTime } from '../../../staff/format.ts';
import { STRETCH_NAMES, type Stretch } from './stretches.ts';

/** Rows that are shown; nobody reads more, and a browser should not lay out thousands. */
const ROWS_MAX = 500;

/**
 * What the lanes show, as a table: for screen readers, for who does not see colours, and for copying.
 *
 * @fires replay-seek - the person chose a row; `detail` is session time in ms
 */
export class ReplayStretchTable extends LitElement {
  static override properties = { stretches: { attribute: false }, open: { state: true } };
  static override styles = [
    base,
    css`
      :host {
        display: block;
        margin-block-start: var(--v-s2);
        font-size: var(--v-text-sm);
      }
      summary {
        inline-size: fit-content;
        min-block-size: 28px;
        padding-inline-end: var(--v-s2);
        border-radius: var(--v-radius-sm);
        color: var(--v-accent);
        font-weight: 600;
        line-height: 28px;
        cursor: pointer;
      }
      .scroll {
        max-block-size: 320px;
        overflow: auto;
        border: 1px solid var(--v-line);
        border-radius: var(--v-radius-sm);
      }
      table {
        inline-size: 100%;
        border-collapse: collapse;
        font-variant-numeric: tabular-nums;
      }
      th,
      td {
        padding: var(--v-s1) var(--v-s3);
        border-block-end: 1px solid var(--v-line);
        text-align: start;
        vertical-align: top;
      }
      thead th {
        position: sticky;
        inset-block-start: 0;
        background: var(--v-surface);
        color: var(--v-muted);
        font-weight: 600;
      }
      button {
        min-block-size: 24px;
        min-inline-size: 24px;
        padding: 0 var(--v-s1);
        border: 0;
        border-radius: 4px;
        background: none;
        color: var(--v-accent);
        font: inherit;
        font-variant-numeric: tabular-nums;
        text-decoration: underline;
        cursor: pointer;
      }
      p {
        padding-block: var(--v-s2);
        color: var(--v-muted);
      }
    `,
  ];

  declare stretches: readonly Stretch[];
  declare open: boolean;

  constructor() {
    super();
    this.stretches = [];
    this.open = false;
  }

  override render() {
    return html`<details @toggle=${this.#onToggle}>
      <summary>As a table</summary>
      ${this.open ? this.#table() : nothing}
    </details>`;
  }

  #table() {
    if (this.stretches.length === 0) {
      return html`<p>No talk-over, silence, hold, pause or weak connection on this recording.</p>`;
    }
    const more = this.stretches.length - ROWS_MAX;
    return html`<div class="scroll" tabindex="0" role="region" aria-label="What is on the timeline">
        <table>
          <thead>
            <tr><th scope="col">From</th><th scope="col">Length</th><th scope="col">What</th><th scope="col">Side</th><th scope="col">More</th></tr>
          </thead>
          <tbody>
            ${this.stretches.slice(0, ROWS_MAX).map(
              (stretch) => html`<tr>
                <td>
                  <button aria-label=${`Go to ${spokenTime(stretch.startMs)}`} @click=${() => this.#go(stretch)}>
                    ${clockTime(stretch.startMs)}
                  </button>
                </td>
                <td>${((stretch.endMs - stretch.startMs) / 1000).toFixed(1)} s</td>
                <td>${STRETCH_NAMES[stretch.kind]}</td>
                <td>${stretch.side === undefined ? '' : stretch.side === 'agent' ? 'Agent' : 'Buyer'}</td>
                <td>${stretch.note}</td>
              </tr>`,
            )}
          </tbody>
        </table>
      </div>
      ${more > 0 ? html`<p>And ${more} more.</p>` : nothing}`;
  }

  #onToggle(event: Event) {
    this.open = (event.target as HTMLDetailsElement).open;
  }

  #go(stretch: Stretch) {
    this.dispatchEvent(new CustomEvent<number>('replay-seek', { detail: stretch.startMs }));
  }
}

define('replay-stretch-table', ReplayStretchTable);

declare global {
  interface HTMLElementTagNameMap {
    'replay-stretch-table': ReplayStretchTable;
  }
}

import { css, html, LitElement } from 'lit';

import { base } from '../design/base.ts';
import '../elements/badge/badge.ts';
import { define } from '../elements/define.ts';
import type { ConsentReceipt } from '../protocol.ts';
import { codeWords, dateTime, languageName } from './format.ts';

/** What buyer and agent chose about recording, every time, with what proves it. */
export class StaffReceipts extends LitElement {
  static override properties = { receipts: { attribute: false } };
  static override styles = [
    base,
    css`
      :host {
        display: block;
        font: 400 var(--v-text-sm) / var(--v-leading) var(--v-font);
      }
      ol {
        display: grid;
        gap: var(--v-s3);
        list-style: none;
      }
      .quiet {
        color: var(--v-muted);
      }
      .proof {
        overflow-wrap: anywhere;
        color: var(--v-muted);
        font-size: var(--v-text-xs);
      }
      code {
        font-family: var(--v-mono);
      }
    `,
  ];

  declare receipts: readonly ConsentReceipt[];

  constructor() {
    super();
    this.receipts = [];
  }

  override render() {
    if (this.receipts.length === 0) return html`<p class="quiet">Nobody was asked.</p>`;
    return html`<ol>
      ${this.receipts.map(
        (receipt) => html`<li>
          <vt-badge tone=${receipt.recording ? 'ok' : 'neutral'}>${receipt.side === 'agent' ? 'Agent' : 'Buyer'} ${receipt.recording ? 'agreed' : 'declined'}</vt-badge>
          ${dateTime(receipt.at)}
          <p class="proof">
            For ${codeWords(receipt.purpose)}, text ${receipt.text_version} in ${languageName(receipt.language)},
            <span title=${receipt.text_sha256}>SHA-256 <code>${receipt.text_sha256.slice(0, 12)}…</code></span>
          </p>
        </li>`,
      )}
    </ol>`;
  }
}

define('staff-receipts', StaffReceipts);

declare global {
  interface HTMLElementTagNameMap {
    'staff-receipts': StaffReceipts;
  }
}

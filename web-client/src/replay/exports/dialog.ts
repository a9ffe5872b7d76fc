import { css, html, LitElement, nothing } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/banner/banner.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import '../../elements/dialog/dialog.ts';
import '../../elements/field/field.ts';
import type { VtField } from '../../elements/field/field.ts';
import { ApiError } from '../../staff/api.ts';
import { exportsApi } from './api.ts';
import { type Row, readRows, remaining, timeText } from './model.ts';

/** As many as the server takes. */
const ROWS_MAX = 100;

/**
 * Asks what an export is for and what it leaves out.
 *
 * @fires vt-close - the person wants it closed
 * @fires export-asked - an export was queued; `detail` is it
 */
export class ReplayExportDialog extends LitElement {
  static override properties = {
    open: { type: Boolean },
    recordingId: { type: String },
    durationMs: { attribute: false },
    playhead: { attribute: false },
    rows: { state: true },
    problem: { state: true },
    busy: { state: true },
    tried: { state: true },
  };
  static override styles = [
    base,
    css`
      form {
        display: grid;
        gap: var(--v-s4);
      }
      fieldset {
        display: grid;
        gap: var(--v-s3);
        min-inline-size: 0;
        margin: 0;
        padding: 0;
        border: 0;
      }
      legend {
        padding: 0;
        font-size: var(--v-text-sm);
        font-weight: 600;
      }
      .hint {
        color: var(--v-muted);
        font-size: var(--v-text-sm);
      }
      .row {
        display: grid;
        grid-template-columns: minmax(0, 1fr) minmax(0, 1fr) auto;
        align-items: start;
        gap: var(--v-s2);
      }
      /* Beside the fields, which stand below their labels. */
      .row > vt-button {
        margin-block-start: calc(var(--v-text-sm) * var(--v-leading) + var(--v-s1));
      }
      .end {
        display: grid;
        gap: var(--v-s1);
        justify-items: start;
      }
      .end vt-field {
        inline-size: 100%;
      }
      .wrong {
        grid-column: 1 / -1;
        color: var(--v-danger);
        font-size: var(--v-text-sm);
      }
      .check {
        display: flex;
        align-items: center;
        gap: var(--v-s2);
        min-block-size: var(--v-target);
        cursor: pointer;
      }
      .check input {
        inline-size: 20px;
        block-size: 20px;
        accent-color: var(--v-accent);
      }
    `,
  ];

  declare open: boolean;
  declare recordingId: string;
  declare durationMs: number;
  /** Where the player is, ms. */
  declare playhead: () => number;
  declare rows: readonly Row[];
  declare problem: string;
  declare busy: boolean;
  /** Mistakes are named from the first attempt on. */
  declare tried: boolean;

  constructor() {
    super();
    this.open = false;
    this.recordingId = '';
    this.durationMs = 0;
    this.playhead = () => 0;
    this.rows = [];
    this.problem = '';
    this.busy = false;
    this.tried = false;
  }

  override render() {
    const { redactions, problems } = readRows(this.rows, this.durationMs);
    const left = remaining(redactions, this.durationMs);
    return html`<vt-dialog ?open=${this.open} heading="Export this recording">
      <form id="form" novalidate @submit=${this.#ask}>
        <p class="hint">
          One MP4 with the agent on the left and the buyer on the right, each voice in its own channel. It is made in the
          background and kept for a few days.
        </p>
        <vt-field
          name="reason"
          label="What is it for?"
          hint="Goes into the audit log with your name."
          maxlength="500"
          required
          testid="export-reason"
          error=${this.tried && this.#reason() === '' ? 'Say what the export is for' : ''}
          @input=${() => this.requestUpdate()}
        ></vt-field>
        <fieldset>
          <legend>Leave out</legend>
          <p class="hint">Sound and picture of these stretches will not be in the file.</p>
          ${this.rows.map((row, number) => this.#row(row, number, this.tried ? problems.get(number) : undefined))}
          <div>
            <vt-button
              size="sm"
              icon="plus"
              data-testid="export-add-row"
              ?disabled=${this.rows.length >= ROWS_MAX}
              @click=${this.#add}
            >Leave out a stretch</vt-button>
          </div>
        </fieldset>
        <label class="check"><input type="checkbox" name="timestamps" />Show date and time in the picture</label>
        <p class="hint" role="status">
          ${left === 0 ? 'Nothing of the recording is left.' : `The file will show ${timeText(left)} of ${timeText(this.durationMs)}.`}
        </p>
        ${this.problem ? html`<vt-banner tone="danger" heading="The export could not be asked for">${this.problem}</vt-banner>` : nothing}
      </form>
      <vt-button slot="actions" variant="quiet" @click=${this.#close}>Back</vt-button>
      <vt-button slot="actions" variant="primary" data-testid="export-ask" ?busy=${this.busy} @click=${this.#ask}>Export</vt-button>
    </vt-dialog>`;
  }

  #row(row: Row, number: number, wrong: string | undefined) {
    const end = (key: 'from' | 'to', label: string) => html`<div class="end">
      <vt-field
        label=${label}
        placeholder="0:00"
        .value=${row[key]}
        testid=${`export-${key}-${number}`}
        @input=${(event: Event) => this.#change(number, { [key]: (event.target as VtField).value })}
      ></vt-field>
      <vt-button
        size="sm"
        variant="quiet"
        label=${`${label}: the time of the player`}
        @click=${() => this.#change(number, { [key]: timeText(this.playhead()) })}
      >Player time</vt-button>
    </div>`;
    return html`<div class="row" role="group" aria-label=${`Stretch ${number + 1}`}>
      ${end('from', 'From')} ${end('to', 'To')}
      <vt-button variant="quiet" icon="trash" label=${`Keep stretch ${number + 1} after all`} @click=${() => this.#drop(number)}></vt-button>
      ${wrong === undefined ? nothing : html`<p class="wrong" role="alert">${wrong}</p>`}
    </div>`;
  }

  #change(number: number, change: Partial<Row>) {
    this.rows = this.rows.map((row, at) => (at === number ? { ...row, ...change } : row));
  }

  #add() {
    this.rows = [...this.rows, { from: timeText(this.playhead()), to: '' }];
  }

  #drop(number: number) {
    this.rows = this.rows.filter((_, at) => at !== number);
  }

  #reason(): string {
    return this.renderRoot.querySelector<VtField>('vt-field[name=reason]')?.value.trim() ?? '';
  }

  async #ask(event: Event) {
    event.preventDefault();
    this.tried = true;
    const { redactions, problems } = readRows(this.rows, this.durationMs);
    const [reason, form] = [this.#reason(), this.renderRoot.querySelector('form')];
    if (this.busy || form === null || reason === '' || problems.size > 0) return;
    if (remaining(redactions, this.durationMs) === 0) return;
    const timestamps = form.querySelector<HTMLInputElement>('input[name=timestamps]')?.checked ?? false;
    this.busy = true;
    this.problem = '';
    try {
      const asked = await exportsApi.ask(this.recordingId, {
        reason,
        timestamps,
        redactions: [...redactions],
      });
      this.dispatchEvent(new CustomEvent('export-asked', { detail: asked }));
      this.tried = false;
      this.rows = [];
      form.reset();
      // Fields of ours are not reset with their form.
      const field = form.querySelector<VtField>('vt-field[name=reason]');
      if (field) field.value = '';
    } catch (error) {
      this.problem = error instanceof ApiError ? error.message : String(error);
    } finally {
      this.busy = false;
    }
  }

  #close() {
    this.dispatchEvent(new CustomEvent('vt-close', { bubbles: true, composed: true }));
  }
}

define('replay-export-dialog', ReplayExportDialog);

declare global {
  interface HTMLElementTagNameMap {
    'replay-export-dialog': ReplayExportDialog;
  }
}

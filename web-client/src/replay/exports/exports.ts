import { css, html, LitElement, nothing, type PropertyValues } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/banner/banner.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import { registerIcons } from '../../elements/icon/icons.ts';
import type { Export } from '../../protocol.ts';
import { ApiError } from '../../staff/api.ts';
import { clockTime, dateTime } from '../../staff/format.ts';
import { exportsApi } from './api.ts';
import './dialog.ts';
import { isOpen, sizeWords, statusWords } from './model.ts';

registerIcons({
  download: 'M12 4v11M7 10.5l5 5 5-5M5 19.5h14',
});

/** Between two looks while something is being made, ms. */
const LOOK_EVERY_MS = 1_000;

/**
 * The exports of a recording: how they stand, and the way to a new one. Shows nothing to who may not export.
 *
 * @fires replay-message - something to show for a moment; `detail` is the text
 */
export class ReplayExports extends LitElement {
  static override properties = {
    recordingId: { type: String },
    durationMs: { attribute: false },
    playhead: { attribute: false },
    exports: { state: true },
    problem: { state: true },
    asking: { state: true },
  };
  static override styles = [
    base,
    css`
      :host {
        display: block;
      }
      :host([hidden]) {
        display: none;
      }
      header {
        display: flex;
        align-items: center;
        justify-content: space-between;
        gap: var(--v-s2);
      }
      h2 {
        font-size: var(--v-text-sm);
        font-weight: 600;
      }
      ul {
        display: grid;
        gap: var(--v-s3);
        margin: var(--v-s3) 0 0;
        padding: 0;
        list-style: none;
      }
      li {
        display: grid;
        gap: var(--v-s1);
        padding: var(--v-s3);
        border: 1px solid var(--v-line);
        border-radius: var(--v-radius-sm);
        overflow-wrap: anywhere;
      }
      .status {
        font-weight: 600;
      }
      .status.failed {
        color: var(--v-danger);
      }
      .quiet {
        color: var(--v-muted);
      }
      progress {
        inline-size: 100%;
        block-size: 8px;
        accent-color: var(--v-accent);
      }
      .actions {
        display: flex;
        flex-wrap: wrap;
        gap: var(--v-s2);
        margin-block-start: var(--v-s1);
      }
      vt-banner {
        margin-block-start: var(--v-s2);
      }
    `,
  ];

  declare recordingId: string;
  declare durationMs: number;
  /** Where the player is, ms. */
  declare playhead: () => number;
  declare exports: readonly Export[];
  declare problem: string;
  declare asking: boolean;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    this.recordingId = '';
    this.durationMs = 0;
    this.playhead = () => 0;
    this.exports = [];
    this.problem = '';
    this.asking = false;
    // Until the server has said that they may.
    this.hidden = true;
  }

  override connectedCallback() {
    super.connectedCallback();
    if (this.hasUpdated) void this.#load();
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    clearTimeout(this.#timer);
  }

  override willUpdate(changed: PropertyValues<this>) {
    if (changed.has('recordingId')) {
      this.exports = [];
      void this.#load();
    }
  }

  override render() {
    return html`<header>
        <h2>Exports</h2>
        <vt-button size="sm" icon="download" data-testid="export-new" @click=${this.#open}>Export…</vt-button>
      </header>
      ${this.problem ? html`<vt-banner tone="warn">${this.problem}</vt-banner>` : nothing}
      ${this.exports.length > 0 ? html`<ul data-testid="exports">${this.exports.map((made) => this.#item(made))}</ul>` : nothing}
      <replay-export-dialog
        ?open=${this.asking}
        .recordingId=${this.recordingId}
        .durationMs=${this.durationMs}
        .playhead=${this.playhead}
        @vt-close=${this.#close}
        @export-asked=${this.#asked}
      ></replay-export-dialog>`;
  }

  #item(made: Export) {
    const { status, duration_ms, bytes, expires_at, url } = made;
    const left = made.redactions.length;
    return html`<li data-testid="export" data-status=${status}>
      <p class=${status === 'failed' ? 'status failed' : 'status'} role="status">${statusWords(made)}</p>
      ${status === 'running' ? html`<progress max="100" value=${made.progress} aria-label="Export"></progress>` : nothing}
      ${made.error ? html`<p>${made.error}</p>` : nothing}
      <p><bdi>${made.reason}</bdi></p>
      <p class="quiet">
        ${made.by_name}, ${dateTime(made.created_at)}${left > 0 ? ` · ${left} left out` : ''}${made.timestamps ? ' · with time' : ''}
      </p>
      ${
        url === undefined
          ? nothing
          : html`<p class="quiet">
              ${duration_ms === undefined ? nothing : clockTime(duration_ms)}${bytes === undefined ? nothing : ` · ${sizeWords(bytes)}`}${expires_at === undefined ? nothing : ` · kept until ${dateTime(expires_at)}`}
            </p>`
      }
      <div class="actions">
        ${url === undefined ? nothing : html`<vt-button size="sm" variant="primary" icon="download" data-testid="export-download" @click=${() => this.#download(url)}>Download</vt-button>`}
        ${isOpen(made) ? html`<vt-button size="sm" data-testid="export-cancel" @click=${() => this.#do(exportsApi.remove(made.id))}>Cancel</vt-button>` : nothing}
        ${status === 'done' ? html`<vt-button size="sm" variant="quiet" @click=${() => this.#do(exportsApi.remove(made.id))}>Delete file</vt-button>` : nothing}
        ${
          isOpen(made) || status === 'done'
            ? nothing
            : html`<vt-button size="sm" icon="refresh" data-testid="export-retry" @click=${() => this.#do(exportsApi.retry(made.id))}>Make again</vt-button>`
        }
      </div>
    </li>`;
  }

  /** The server names the file; the page stays where it is. */
  #download(url: string) {
    const link = document.createElement('a');
    link.href = url;
    link.download = '';
    link.click();
  }

  async #do(change: Promise<Export>) {
    try {
      const changed = await change;
      this.exports = this.exports.map((made) => (made.id === changed.id ? changed : made));
      this.problem = '';
    } catch (error) {
      this.problem = error instanceof ApiError ? error.message : String(error);
    }
    await this.#load();
  }

  async #load() {
    clearTimeout(this.#timer);
    const recording = this.recordingId;
    if (recording === '') return;
    try {
      const exports = await exportsApi.list(recording);
      if (recording !== this.recordingId) return;
      this.exports = exports;
      this.hidden = false;
    } catch (error) {
      if (recording !== this.recordingId) return;
      // Who may not export is not told that others may.
      if (error instanceof ApiError && error.status === 403) return;
      this.hidden = false;
      this.problem = error instanceof ApiError ? error.message : String(error);
    }
    if (this.isConnected && this.exports.some(isOpen)) {
      this.#timer = setTimeout(() => void this.#load(), LOOK_EVERY_MS);
    }
  }

  #open() {
    this.asking = true;
  }

  #close() {
    this.asking = false;
  }

  #asked() {
    this.asking = false;
    this.dispatchEvent(
      new CustomEvent<string>('replay-message', {
        detail: 'The export is being made; you can go on working',
        bubbles: true,
        composed: true,
      }),
    );
    void this.#load();
  }
}

define('replay-exports', ReplayExports);

declare global {
  interface HTMLElementTagNameMap {
    'replay-exports': ReplayExports;
  }
}

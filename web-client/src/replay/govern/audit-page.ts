import { css, html, LitElement, nothing } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/badge/badge.ts';
import '../../elements/banner/banner.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import '../../elements/empty/empty.ts';
import '../../elements/field/field.ts';
import '../../elements/spinner/spinner.ts';
import type { AuditEntry, AuditReport } from '../../protocol.ts';
import { ApiError } from '../../staff/api.ts';
import { dateTime } from '../../staff/format.ts';
import { pageStyles } from '../page-styles.ts';
import { playerRoute } from '../route.ts';
import { ALL_ENTRIES, type AuditQuery, governance } from './api.ts';
import { AUDIT_EVENTS, actorWords, detailWords, eventWords, wholeWords } from './words.ts';

const EVENT_OPTIONS = [
  { value: '', label: 'Everything' },
  ...AUDIT_EVENTS.map(([value, label]) => ({ value, label })),
];

/** The audit log: what was done, by whom and why, and whether the log is what was written. */
export class ReplayAudit extends LitElement {
  static override styles = [
    base,
    pageStyles,
    css`
      .state {
        margin-block-end: var(--v-s4);
      }
      form {
        display: grid;
        grid-template-columns: minmax(0, 1.4fr) minmax(0, 1.6fr) minmax(0, 1fr) minmax(0, 1fr) auto;
        gap: var(--v-s3);
        align-items: end;
        margin-block-end: var(--v-s4);
      }
      ol {
        margin: 0;
        padding: 0;
        border: 1px solid var(--v-line);
        border-radius: var(--v-radius);
        background: var(--v-surface);
        list-style: none;
      }
      li {
        display: grid;
        grid-template-columns: 5ch 11.5em minmax(0, 1fr) minmax(0, 2fr);
        gap: var(--v-s1) var(--v-s4);
        padding: var(--v-s3) var(--v-s4);
        font-size: var(--v-text-sm);
      }
      li + li {
        border-block-start: 1px solid var(--v-line);
      }
      .number,
      .quiet {
        color: var(--v-muted);
      }
      .number {
        font-variant-numeric: tabular-nums;
        text-align: end;
      }
      .what strong {
        display: block;
        font-weight: 600;
      }
      .more {
        overflow-wrap: anywhere;
      }
      .more p + p {
        margin-block-start: var(--v-s1);
      }
      .what .only {
        color: var(--v-muted);
        text-decoration-style: dotted;
      }
      a {
        color: var(--v-accent);
      }
      .chosen {
        margin-block-end: var(--v-s4);
      }
      .only {
        min-block-size: 24px;
        padding: 0;
        border: 0;
        background: none;
        color: var(--v-accent);
        font: inherit;
        text-align: start;
        text-decoration: underline;
        cursor: pointer;
        overflow-wrap: anywhere;
      }
      .end {
        display: grid;
        justify-items: center;
        padding: var(--v-s5);
      }
      @media (max-width: 860px) {
        form {
          grid-template-columns: minmax(0, 1fr) minmax(0, 1fr);
        }
        form > :first-child,
        form > :nth-child(2) {
          grid-column: 1 / -1;
        }
        form > vt-button {
          justify-self: start;
        }
        li {
          grid-template-columns: 5ch minmax(0, 1fr);
        }
        .number {
          grid-row: 1 / span 3;
        }
        .what,
        .more {
          grid-column: 2;
        }
      }
    `,
  ];

  #query: AuditQuery = ALL_ENTRIES;
  #entries: readonly AuditEntry[] = [];
  #next: string | undefined;
  #loading = true;
  #problem = '';
  /** Whoever only what they did is shown of, by name. */
  #by = '';
  #report: AuditReport | undefined;
  #verifying = false;
  #turn = 0;

  override connectedCallback() {
    super.connectedCallback();
    void this.#load();
  }

  override render() {
    return html`
      <div class="top">
        <h1>Audit log</h1>
        <vt-button icon="shield" data-testid="verify" ?busy=${this.#verifying} @click=${this.#verify}>Verify the log</vt-button>
      </div>
      <div class="state" role="status">${this.#report ? this.#verified(this.#report) : nothing}</div>
      <form @submit=${this.#search} aria-label="Filter the log">
        <vt-field label="What" name="event" testid="event" .options=${EVENT_OPTIONS} .value=${this.#query.event} @change=${this.#onChange}></vt-field>
        <vt-field label="About" name="about" testid="about" placeholder="recording:… or user:…" .value=${this.#query.about} @change=${this.#onChange}></vt-field>
        <vt-field label="From" name="from" testid="from" type="date" .value=${this.#query.from} @change=${this.#onChange}></vt-field>
        <vt-field label="To" name="to" testid="to" type="date" .value=${this.#query.to} @change=${this.#onChange}></vt-field>
        <vt-button variant="quiet" data-testid="clear" ?disabled=${this.#query === ALL_ENTRIES} @click=${() => this.#ask(ALL_ENTRIES)}>Clear</vt-button>
      </form>
      ${
        this.#query.actor
          ? html`<p class="chosen"><vt-button size="sm" icon="close" data-testid="by-chosen" @click=${() => this.#ask({ ...this.#query, actor: '' })}>Only by ${this.#by}</vt-button></p>`
          : nothing
      }
      ${this.#problem ? html`<vt-banner tone="danger" heading="The log could not be loaded">${this.#problem}<div slot="actions"><vt-button size="sm" icon="refresh" @click=${() => this.#load()}>Try again</vt-button></div></vt-banner>` : nothing}
      ${this.#entries.length > 0 ? html`<ol data-testid="entries">${this.#entries.map((entry) => this.#entry(entry))}</ol>` : nothing}
      <div class="end">${this.#end()}</div>
    `;
  }

  #end() {
    if (this.#loading) return html`<vt-spinner></vt-spinner><span class="sr-only">Loading…</span>`;
    if (this.#next !== undefined)
      return html`<vt-button @click=${() => this.#load(this.#next)}>Older entries</vt-button>`;
    if (this.#entries.length > 0 || this.#problem) return nothing;
    return html`<vt-empty icon="shield" heading="Nothing that matches has been logged">
      Plays, exports, holds, erasures, logins and changes of rights are written here as they happen.
    </vt-empty>`;
  }

  #entry(entry: AuditEntry) {
    const detail = detailWords(entry.detail);
    return html`<li data-testid="entry">
      <span class="number">${entry.number}</span>
      <time datetime=${entry.at}>${dateTime(entry.at)}</time>
      <div class="what"><strong>${eventWords(entry.event)}</strong><button class="only" type="button" data-testid="by" title="Only what they did" @click=${() => this.#onlyBy(entry)}>${actorWords(entry)}</button></div>
      <div class="more">
        ${entry.about ? html`<p>${this.#about(entry.about)}</p>` : nothing}
        ${entry.why ? html`<p><bdi>${entry.why}</bdi></p>` : nothing}
        ${detail ? html`<p class="quiet">${detail}</p>` : nothing}
      </div>
    </li>`;
  }

  #about(about: string) {
    const recording = /^recording:(.+)$/.exec(about)?.[1];
    return html`<button class="only" type="button" title="Only entries about this" @click=${() => this.#ask({ ...ALL_ENTRIES, about })}>${about}</button>
      ${recording ? html` · <a href=${playerRoute(recording, 0)}>Open</a>` : nothing}`;
  }

  #verified(report: AuditReport) {
    const { broken, good, checkpoints } = report;
    return broken
      ? html`<vt-banner tone="danger" heading="The log is not what was written">
          Entry ${broken.number}: ${broken.what}. The ${good} entries before it are in order.
        </vt-banner>`
      : html`<vt-banner tone="ok" heading="The log is whole">
          ${wholeWords(good, checkpoints)}
        </vt-banner>`;
  }

  #onlyBy(entry: AuditEntry) {
    this.#by = actorWords(entry);
    this.#ask({ ...this.#query, actor: entry.actor });
  }

  #search(event: Event) {
    event.preventDefault();
  }

  #onChange(event: Event) {
    const { name, value } = event.target as HTMLElementTagNameMap['vt-field'];
    this.#ask({ ...this.#query, [name]: value });
  }

  #ask(query: AuditQuery) {
    this.#query = query;
    this.#entries = [];
    this.#next = undefined;
    void this.#load();
  }

  async #load(before?: string) {
    this.#turn += 1;
    const turn = this.#turn;
    this.#loading = true;
    this.#problem = '';
    this.requestUpdate();
    try {
      const page = await governance.audit(this.#query, before);
      if (turn !== this.#turn) return;
      this.#entries = [...this.#entries, ...page.items];
      this.#next = page.next;
    } catch (error) {
      if (turn !== this.#turn) return;
      this.#problem = error instanceof ApiError ? error.message : String(error);
    }
    this.#loading = false;
    this.requestUpdate();
  }

  async #verify() {
    this.#verifying = true;
    this.requestUpdate();
    try {
      this.#report = await governance.verifyAudit();
    } catch (error) {
      this.#problem = error instanceof ApiError ? error.message : String(error);
    }
    this.#verifying = false;
    this.requestUpdate();
  }
}

define('replay-audit', ReplayAudit);

declare global {
  interface HTMLElementTagNameMap {
    'replay-audit': ReplayAudit;
  }
}

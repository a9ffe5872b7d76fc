import { css, html, LitElement, nothing, type PropertyValues } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/badge/badge.ts';
import '../../elements/banner/banner.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import '../../elements/empty/empty.ts';
import '../../elements/spinner/spinner.ts';
import type { Tab } from '../../elements/tabs/tabs.ts';
import '../../elements/tabs/tabs.ts';
import type { Erasure, Outcome, Recording, RecordingSummary, Ticket } from '../../protocol.ts';
import { ApiError, api } from '../../staff/api.ts';
import '../../staff/context.ts';
import { clockTime, codeWords, dateTime, languageName } from '../../staff/format.ts';
import '../../staff/icons.ts';
import '../../staff/rating.ts';
import '../../staff/receipts.ts';
import '../review/board.ts';
import '../review/comments.ts';
import { rememberedTab, rememberTab } from '../review/tab.ts';
import '../exports/exports.ts';
import { certificateHref } from '../govern/api.ts';
import '../govern/panel.ts';
import { erasureWords } from '../govern/words.ts';
import { headStyles } from '../page-styles.ts';
import { playerRoute } from '../route.ts';
import { type ReplayData, readTimeline } from './data.ts';
import type { TimelineMarker } from './marker.ts';
import { type Moment, momentsOf } from './moments.ts';
import './moments-panel.ts';
import './player.ts';

/** A recording that still runs is asked for again after this time, ms. */
const REFRESH_MS = 3_000;

/** Its timeline is larger and asked for less often, ms. */
const TIMELINE_REFRESH_MS = 10_000;

/**
 * One recording: the player and what its ticket says.
 *
 * @fires replay-message - something to show for a moment; `detail` is the text
 */
export class ReplayPlayerPage extends LitElement {
  static override properties = {
    recordingId: { type: String },
    startMs: { attribute: false },
    reviewId: { type: String },
    scorer: { type: Boolean },
    outcomes: { attribute: false },
    searchHref: { type: String },
    worklist: { type: String },
  };
  static override styles = [
    base,
    headStyles,
    css`
      :host {
        display: block;
        inline-size: min(1520px, 100%);
        margin-inline: auto;
        padding: var(--v-s4) var(--v-s5) var(--v-s5);
        --replay-buyer: light-dark(#c2703a, #e9a06e);
        --replay-agent: light-dark(#0b7a72, #4fbfb3);
        --replay-over: light-dark(#a3278f, #f08be0);
        --replay-hold: light-dark(#9a6a00, #e6b84d);
      }
      .title {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--v-s2) var(--v-s3);
        margin-block-end: var(--v-s4);
      }
      .title p {
        color: var(--v-muted);
        font-size: var(--v-text-sm);
      }
      .certificate {
        display: inline-flex;
        align-items: center;
        min-block-size: var(--v-target);
        color: var(--v-accent);
        font-weight: 600;
      }
      .columns {
        display: grid;
        grid-template-columns: minmax(0, 1fr) 400px;
        gap: var(--v-s5);
        align-items: start;
      }
      aside {
        position: sticky;
        inset-block-start: 76px;
        display: flex;
        flex-direction: column;
        overflow: hidden;
        max-block-size: calc(100dvh - 92px);
        border: 1px solid var(--v-line);
        border-radius: var(--v-radius);
        background: var(--v-surface);
        font-size: var(--v-text-sm);
      }
      vt-tabs {
        flex: 1;
      }
      replay-moments {
        block-size: min(70dvh, 720px);
      }
      .facts {
        display: grid;
        gap: var(--v-s4);
      }
      /* What is long scrolls beside the player: who scores keeps the call in view. */
      .pane {
        max-block-size: calc(100dvh - 144px);
        overflow-y: auto;
        padding: var(--v-s4);
      }
      /* Its foot sticks to the very edge. */
      .scores {
        padding-block-end: 0;
      }
      section + section,
      section + replay-exports,
      staff-context + section {
        padding-block-start: var(--v-s4);
        border-block-start: 1px solid var(--v-line);
      }
      h2 {
        margin-block-end: var(--v-s2);
        font-size: var(--v-text-sm);
        font-weight: 600;
      }
      dl {
        display: grid;
        grid-template-columns: auto minmax(0, 1fr);
        gap: var(--v-s1) var(--v-s3);
      }
      dt,
      .quiet {
        color: var(--v-muted);
      }
      .outcome::first-letter {
        text-transform: uppercase;
      }
      .notes {
        white-space: pre-line;
        overflow-wrap: anywhere;
      }
      .middle {
        display: grid;
        place-items: center;
        gap: var(--v-s3);
        min-block-size: 50vh;
        color: var(--v-muted);
        --vt-spinner-size: 32px;
      }
      @media (max-width: 1080px) {
        .columns {
          grid-template-columns: minmax(0, 1fr);
        }
        aside {
          position: static;
          max-block-size: none;
        }
        replay-moments {
          block-size: min(60dvh, 520px);
        }
        .pane {
          max-block-size: none;
        }
      }
      @media (max-width: 720px) {
        :host {
          padding: var(--v-s2) var(--v-s4) var(--v-s4);
        }
      }
    `,
  ];

  declare recordingId: string;
  declare startMs: number;
  /** A score to open beside it. */
  declare reviewId: string;
  /** Whether scores and comments are shown and made here. */
  declare scorer: boolean;
  declare outcomes: readonly Outcome[];
  /** Back to the list as it was. */
  declare searchHref: string;
  /** The worklist it is gone through in. */
  declare worklist: string | undefined;

  #recording: Recording | undefined;
  #ticket: Ticket | undefined;
  #problem: ApiError | undefined;
  /** What took the recording away while it was looked at. */
  #erasure: Erasure | undefined;
  #ticketProblem = '';
  #data: ReplayData | undefined;
  #moments: readonly Moment[] = [];
  #timelineProblem = '';
  #timelineAt = Number.NEGATIVE_INFINITY;
  #currentMs = 0;
  #stale = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #turn = 0;
  #markers: readonly TimelineMarker[] = [];
  #tab = rememberedTab();

  constructor() {
    super();
    this.recordingId = '';
    this.startMs = 0;
    this.reviewId = '';
    this.scorer = false;
    this.outcomes = [];
    this.searchHref = '#/';
    this.worklist = undefined;
  }

  /** The player, once there is something to play. */
  get player(): HTMLElementTagNameMap['replay-player'] | null {
    return this.renderRoot.querySelector('replay-player');
  }

  override willUpdate(changed: PropertyValues<this>) {
    if (changed.has('reviewId') && this.reviewId !== '') this.#tab = 'score';
    if (changed.has('recordingId')) {
      this.#recording = undefined;
      this.#erasure = undefined;
      this.#ticket = undefined;
      this.#ticketProblem = '';
      this.#data = undefined;
      this.#moments = [];
      this.#timelineProblem = '';
      this.#timelineAt = Number.NEGATIVE_INFINITY;
      this.#markers = [];
      void this.#load();
    }
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    clearTimeout(this.#timer);
    this.#turn += 1;
  }

  override render() {
    const back = html`<a class="back" href=${this.searchHref}><vt-icon name="back"></vt-icon>Recordings</a>`;
    if (this.#problem !== undefined && this.#recording === undefined) {
      return html`${back}${this.#failed(this.#problem)}`;
    }
    if (this.#erasure !== undefined) return html`${back}${this.#gone(this.#erasure)}`;
    const recording = this.#recording;
    if (recording === undefined) {
      return html`${back}<div class="middle" role="status"><vt-spinner></vt-spinner>Loading the recording…</div>`;
    }
    const { summary } = recording;
    return html`<div class="title">
        ${back}
        <h1>${summary.ticket_number ?? 'Recording'}</h1>
        ${summary.complete ? nothing : html`<vt-badge tone="danger" dot pulse>Still recording</vt-badge>`}
        <p>${dateTime(summary.started_at)} · ${clockTime(summary.duration_ms)}</p>
      </div>
      ${this.#stale ? html`<vt-banner tone="warn">The newest part could not be loaded; trying again.</vt-banner>` : nothing}
      <div class="columns">
        ${
          recording.tracks.some((track) => track.fragments.length > 0)
            ? html`<replay-player
                .recording=${recording}
                .data=${this.#data}
                .startMs=${this.startMs}
                @replay-time=${(event: CustomEvent<number>) => this.#passed(event.detail)}
                @replay-copy-link=${this.#copyLink}
                .markers=${this.#markers}
                @replay-marker=${(event: CustomEvent<string>) => this.#pick(event.detail)}
                @replay-moved=${(event: CustomEvent<number>) => this.#remember(event.detail)}
              >
                <vt-button slot="controls" variant="quiet" icon="link" data-testid="copy-link" @click=${this.#copyLink}>Copy link</vt-button>
              </replay-player>`
            : html`<vt-empty icon="film" heading="Nothing to play yet">
                ${summary.complete ? 'This recording has no media: nobody sent sound or picture while it ran.' : 'The first seconds are being written.'}
              </vt-empty>`
        }
        <aside aria-label="Details">
          <vt-tabs label="Details" .tabs=${this.#tabs()} selected=${this.#tab} @vt-tab=${(event: CustomEvent<string>) => this.#select(event.detail)}>
            <div slot="moments">${this.#listed()}</div>
            <div slot="ticket" class="pane facts">${this.#facts(summary)}</div>
            ${this.scorer ? this.#reviewing(summary.id) : nothing}
          </vt-tabs>
        </aside>
      </div>`;
  }

  #listed() {
    if (this.#timelineProblem !== '' && this.#data === undefined) {
      return html`<vt-banner tone="warn" heading="Chat and events could not be loaded">
        ${this.#timelineProblem}
        <div slot="actions"><vt-button size="sm" icon="refresh" @click=${() => this.#loadTimeline(this.#turn)}>Try again</vt-button></div>
      </vt-banner>`;
    }
    return this.#data === undefined
      ? html`<div class="middle" role="status"><vt-spinner></vt-spinner>Loading chat and events…</div>`
      : html`<replay-moments
          .moments=${this.#moments}
          .currentMs=${this.#currentMs}
          @replay-seek=${(event: CustomEvent<number>) => this.player?.seek(event.detail)}
        ></replay-moments>`;
  }

  #passed(ms: number) {
    this.#currentMs = ms;
    this.requestUpdate();
  }

  #tabs(): Tab[] {
    return [
      { id: 'moments', label: 'Events', count: this.#moments.length },
      { id: 'ticket', label: 'Ticket' },
      ...(this.scorer
        ? [
            { id: 'score', label: 'Score' },
            { id: 'comments', label: 'Comments', count: this.#markers.length },
          ]
        : []),
    ];
  }

  #reviewing(recording: string) {
    const seek = (event: CustomEvent<number>) => this.player?.seek(event.detail);
    return html`<div slot="score" class="pane scores" @review-seek=${seek}>
        <review-scores
          recordingId=${recording}
          reviewId=${this.reviewId}
          .timeMs=${this.#timeMs}
          @review-submitted=${() => this.#comments?.load()}
        ></review-scores>
      </div>
      <div slot="comments" class="pane" @review-seek=${seek}>
        <review-comments recordingId=${recording} .timeMs=${this.#timeMs} @review-markers=${this.#onMarkers}></review-comments>
      </div>`;
  }

  get #comments(): HTMLElementTagNameMap['review-comments'] | null {
    return this.renderRoot.querySelector('review-comments');
  }

  /** Begins a comment at the moment that is being watched. */
  comment(): void {
    if (!this.scorer) return;
    this.#select('comments');
    void this.updateComplete.then(() => this.#comments?.begin());
  }

  /** A marker on the timeline was picked. */
  #pick(id: string) {
    this.#select('comments');
    void this.updateComplete.then(() => this.#comments?.pick(id));
  }

  #select(tab: string) {
    this.#tab = tab;
    rememberTab(tab);
    this.requestUpdate();
  }

  readonly #timeMs = (): number => this.player?.currentTimeMs ?? 0;

  readonly #onMarkers = (event: CustomEvent<TimelineMarker[]>): void => {
    this.#markers = event.detail;
    this.requestUpdate();
  };

  #facts(summary: RecordingSummary) {
    const ticket = this.#ticket;
    return html`
      ${ticket ? html`<staff-context .context=${ticket.call.context}></staff-context>` : nothing}
      <section>
        <h2>Call</h2>
        <dl>
          <dt>Agent</dt><dd>${summary.agent}</dd>
          <dt>Language</dt><dd>${languageName(summary.language)}</dd>
          ${ticket ? nothing : html`<dt>Product</dt><dd>${summary.product ?? summary.sku ?? 'None'}</dd>`}
          <dt>Outcome</dt>
          <dd class="outcome">${summary.outcome ? this.#outcome(summary.outcome) : html`<span class="quiet">Not wrapped up yet</span>`}</dd>
          ${ticket?.call.end_reason ? html`<dt>Ended</dt><dd class="outcome">${codeWords(ticket.call.end_reason)}</dd>` : nothing}
        </dl>
      </section>
      <section>
        <h2>The buyer’s rating</h2>
        <staff-rating .rating=${summary.rating}></staff-rating>
      </section>
      ${
        ticket
          ? html`<section>
                <h2>Notes</h2>
                ${ticket.notes ? html`<p class="notes" dir="auto">${ticket.notes}</p>` : html`<p class="quiet">No notes yet.</p>`}
              </section>
              <section>
                <h2>Consent</h2>
                <staff-receipts .receipts=${ticket.receipts}></staff-receipts>
              </section>`
          : nothing
      }
      ${
        summary.complete
          ? html`<replay-exports
              .recordingId=${this.recordingId}
              .durationMs=${summary.duration_ms}
              .playhead=${this.#playhead}
            ></replay-exports>`
          : nothing
      }
      <section>
        <replay-govern
          .recording=${this.#recording}
          @replay-governed=${this.#again}
          @replay-erased=${(event: CustomEvent<Erasure>) => this.#erased(event.detail)}
        ></replay-govern>
      </section>
      ${this.#ticketProblem ? html`<vt-banner tone="warn" heading="The ticket could not be loaded">${this.#ticketProblem}</vt-banner>` : nothing}
    `;
  }

  #erased(erasure: Erasure) {
    this.#erasure = erasure;
    this.requestUpdate();
  }

  #gone(erasure: Erasure) {
    return html`<vt-empty icon="shield" heading="The buyer is erased" data-testid="erased">
      ${erasureWords(erasure)}
      <a slot="actions" class="certificate" href=${certificateHref(erasure.id)} download data-testid="certificate">Download the signed certificate</a>
      <vt-button slot="actions" @click=${this.#toSearch}>All recordings</vt-button>
    </vt-empty>`;
  }

  #failed(problem: ApiError) {
    if (problem.problem?.type === '/problems/recording_withheld') {
      return html`<vt-empty icon="shield" heading="This recording is locked">
          The buyer took back their consent. It is deleted as soon as that is allowed; until then only who looks after legal
          holds can open it.
          <vt-button slot="actions" @click=${this.#toSearch}>All recordings</vt-button>
        </vt-empty>`;
    }
    return problem.status === 404
      ? html`<vt-empty icon="film" heading="This recording does not exist">
          It may have been deleted because its time was up, because the buyer withdrew their consent or was erased, or the
          link is incomplete.
          <vt-button slot="actions" @click=${this.#toSearch}>All recordings</vt-button>
        </vt-empty>`
      : html`<vt-banner tone="danger" heading="The recording could not be loaded">
          ${problem.message}
          <div slot="actions"><vt-button size="sm" icon="refresh" @click=${() => this.#load()}>Try again</vt-button></div>
        </vt-banner>`;
  }

  readonly #playhead = () => this.player?.currentTimeMs ?? 0;

  #outcome(code: string): string {
    return this.outcomes.find((outcome) => outcome.code === code)?.label ?? codeWords(code);
  }

  async #load() {
    clearTimeout(this.#timer);
    this.#turn += 1;
    const turn = this.#turn;
    const id = this.recordingId;
    this.#problem = undefined;
    this.requestUpdate();
    try {
      const recording = await api.recording(id);
      if (turn !== this.#turn) return;
      this.#recording = recording;
      this.#stale = false;
      const { ticket, complete } = recording.summary;
      if (ticket !== undefined && (this.#ticket === undefined || !complete))
        void this.#loadTicket(ticket, turn);
      const due = performance.now() - this.#timelineAt >= TIMELINE_REFRESH_MS;
      if (this.#data === undefined || (complete && !this.#data.timeline.complete) || due)
        void this.#loadTimeline(turn);
    } catch (error) {
      if (turn !== this.#turn) return;
      const problem = error instanceof ApiError ? error : new ApiError(0, String(error));
      // A recording that plays goes on playing; only its newest part is missing.
      if (this.#recording === undefined || problem.status === 404) {
        this.#recording = undefined;
        this.#problem = problem;
      } else {
        this.#stale = true;
      }
    }
    if (this.#recording?.summary.complete === false) {
      this.#timer = setTimeout(() => void this.#load(), REFRESH_MS);
    }
    this.requestUpdate();
  }

  /** The player plays without it; lanes and lists come when it does. */
  async #loadTimeline(turn: number) {
    this.#timelineAt = performance.now();
    try {
      const timeline = await api.recordingTimeline(this.recordingId);
      if (turn !== this.#turn) return;
      this.#data = readTimeline(timeline);
      this.#moments = momentsOf(timeline);
      this.#timelineProblem = '';
    } catch (error) {
      if (turn !== this.#turn) return;
      this.#timelineProblem = error instanceof ApiError ? error.message : String(error);
    }
    this.requestUpdate();
  }

  async #loadTicket(id: string, turn: number) {
    try {
      const ticket = await api.ticket(id);
      if (turn !== this.#turn) return;
      this.#ticket = ticket;
      this.#ticketProblem = '';
    } catch (error) {
      this.#ticketProblem = error instanceof ApiError ? error.message : String(error);
    }
    this.requestUpdate();
  }

  /** Something about who may see it, or how long it is kept, has changed. */
  #again() {
    this.#ticket = undefined;
    void this.#load();
  }

  /** The address follows the place, so that a reload and a copied address lead back to it. */
  #remember(ms: number) {
    history.replaceState(history.state, '', playerRoute(this.recordingId, ms, this.worklist));
  }

  readonly #copyLink = async (): Promise<void> => {
    const at = this.player?.currentTimeMs ?? 0;
    const address = new URL(playerRoute(this.recordingId, at), location.href).href;
    try {
      await navigator.clipboard.writeText(address);
      this.#say(`Link to ${clockTime(at)} copied`);
    } catch {
      history.replaceState(history.state, '', address);
      this.#say('Copying is not allowed here; the address bar has the link now');
    }
  };

  #toSearch() {
    location.hash = this.searchHref;
  }

  #say(text: string) {
    this.dispatchEvent(
      new CustomEvent<string>('replay-message', { detail: text, bubbles: true, composed: true }),
    );
  }
}

define('replay-player-page', ReplayPlayerPage);

declare global {
  interface HTMLElementTagNameMap {
    'replay-player-page': ReplayPlayerPage;
  }
}

import { css, html, LitElement, nothing } from 'lit';

import { base } from '../design/base.ts';
import '../elements/banner/banner.ts';
import '../elements/button/button.ts';
import { define } from '../elements/define.ts';
import '../elements/empty/empty.ts';
import '../elements/spinner/spinner.ts';
import '../elements/toast/toasts.ts';
import type { Me, Outcome } from '../protocol.ts';
import { ApiError, api } from '../staff/api.ts';
import '../staff/header.ts';
import { onControl, type Shortcut, typing } from '../staff/keys.ts';
import '../staff/login.ts';
import { commandOf, PLAYER_SHORTCUTS } from './player/keys.ts';
import './govern/audit-page.ts';
import { may, viewer } from './govern/viewer.ts';
import './player/player-page.ts';
import { anythingStuck } from './review/guard.ts';
import './review/nav.ts';
import { isReviewRoute, reviewPage, waysOf } from './review/pages.ts';
import { parseRoute, type Route, searchRoute } from './route.ts';
import type { News } from './search/news.ts';
import './search/sample-page.ts';
import './search/samples-page.ts';
import './search/search-page.ts';
import './search/worklist-bar.ts';

/** Whether somebody may see recordings; the server decides, this only saves a page of refusals. */
const mayReview = (me: Me) => me.rights.includes('see_recordings');

const SHORTCUTS: readonly Shortcut[] = [
  ...PLAYER_SHORTCUTS,
  { keys: ['M'], does: 'Comment on this moment' },
  { keys: ['/'], does: 'Search' },
  { keys: ['?'], does: 'This list' },
];

/** What the keys do on the pages with lists. */
const LIST_SHORTCUTS: readonly Shortcut[] = [
  { keys: ['J', 'K'], does: 'Next or previous row, also ↓ and ↑' },
  { keys: ['Enter'], does: 'Play the recording' },
  { keys: ['X'], does: 'Choose the row, also Space' },
  { keys: ['Shift + ↓', 'Shift + ↑'], does: 'Choose several rows' },
  { keys: ['Esc'], does: 'Choose none' },
  { keys: ['/'], does: 'Search' },
  { keys: ['?'], does: 'This list' },
];

/** And, beside the player's, where a worklist is gone through. */
const WORKLIST_SHORTCUTS: readonly Shortcut[] = [
  { keys: ['N', 'P'], does: 'Next or previous recording of the worklist' },
  { keys: ['R'], does: 'Reviewed, or not after all' },
];

type Session =
  | { readonly kind: 'checking' }
  | { readonly kind: 'out'; readonly notice: string }
  | { readonly kind: 'in'; readonly me: Me }
  | { readonly kind: 'failed'; readonly message: string };

/** The replay console: login, search, player. */
export class ReplayApp extends LitElement {
  static override styles = [
    base,
    css`
      :host {
        display: block;
        min-block-size: 100dvb;
      }
      .middle {
        display: grid;
        place-content: center;
        justify-items: center;
        gap: var(--v-s4);
        min-block-size: 100dvb;
        padding: var(--v-s4);
        color: var(--v-muted);
        --vt-spinner-size: 32px;
      }
      .refused {
        padding: var(--v-s7) var(--v-s4);
      }
    `,
  ];

  #session: Session = { kind: 'checking' };
  #route: Route = parseRoute(location.hash);
  #search = '#/';
  /** Nothing was looked for yet: the list begins with the person's own filter. */
  #fresh = true;
  #outcomes: readonly Outcome[] = [];
  #keysOpen = false;

  override connectedCallback() {
    super.connectedCallback();
    addEventListener('hashchange', this.#onHash);
    addEventListener('keydown', this.#onKey);
    void this.#check();
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    removeEventListener('hashchange', this.#onHash);
    removeEventListener('keydown', this.#onKey);
  }

  override render() {
    const session = this.#session;
    switch (session.kind) {
      case 'checking':
        return html`<div class="middle" role="status"><vt-spinner></vt-spinner><span class="sr-only">Loading…</span></div>`;
      case 'failed':
        return html`<div class="middle">
          <vt-banner tone="danger" heading="The replay console could not start">
            ${session.message}
            <div slot="actions"><vt-button size="sm" icon="refresh" @click=${this.#check}>Try again</vt-button></div>
          </vt-banner>
        </div>`;
      case 'out':
        return html`<staff-login
          page="Replay"
          notice=${session.notice}
          @staff-login=${(event: CustomEvent<Me>) => this.#enter(event.detail)}
        ></staff-login>`;
      case 'in':
        return html`<staff-header
            page="Replay"
            home=${this.#search}
            .me=${session.me}
            @staff-logout=${this.#logout}
            @staff-keys=${() => this.#showKeys(true)}
          ><replay-nav .ways=${waysOf(session.me.rights, this.#route.page, this.#search)}></replay-nav></staff-header>
          <main
            @replay-news=${(event: CustomEvent<News>) => this.#news(event.detail)}
            @replay-message=${(event: CustomEvent<string>) => this.#say(event.detail)}
          >${this.#page(session.me)}</main>
          <staff-keys ?open=${this.#keysOpen} .shortcuts=${this.#shortcuts()} @vt-close=${() => this.#showKeys(false)}></staff-keys>
          <vt-toasts></vt-toasts>`;
    }
  }

  #page(me: Me) {
    const route = this.#route;
    if (isReviewRoute(route)) return reviewPage(route, me);
    // Agents have nothing to search here; what they have is their own reviews.
    if (!mayReview(me) && me.rights.includes('dispute_scores')) {
      return reviewPage({ page: 'my-reviews', id: undefined }, me);
    }
    if (!mayReview(me)) {
      return html`<vt-empty class="refused" icon="shield" heading="Recordings are for reviewers">
        You are logged in as ${me.name} (${me.role}). Log in as a reviewer, a supervisor or an admin to replay calls.
        <vt-button slot="actions" @click=${this.#logout}>Log in as somebody else</vt-button>
      </vt-empty>`;
    }
    switch (route.page) {
      case 'audit':
        return may('read_audit')
          ? html`<replay-audit></replay-audit>`
          : html`<vt-empty class="refused" icon="shield" heading="The audit log is for administrators">
              Your rights do not include reading it.
              <vt-button slot="actions" @click=${this.#toSearch}>Recordings</vt-button>
            </vt-empty>`;
      case 'samples':
        return html`<replay-samples me=${me.id}></replay-samples>`;
      case 'sample':
        return html`<replay-sample sampleId=${route.id} me=${me.id} .outcomes=${this.#outcomes}></replay-sample>`;
      case 'player':
        return html`${this.#worklist(route.worklist, route.id)}<replay-player-page
          .recordingId=${route.id}
          .startMs=${route.startMs}
          .reviewId=${route.review ?? ''}
          ?scorer=${me.rights.includes('score_recordings')}
          .outcomes=${this.#outcomes}
          .searchHref=${this.#search}
          .worklist=${route.worklist}
        ></replay-player-page>`;
      case 'search':
        return html`<replay-search
          .query=${route.query}
          .outcomes=${this.#outcomes}
          ?begin=${this.#fresh}
          @replay-query=${(event: CustomEvent) => this.#onQuery(searchRoute(event.detail))}
        ></replay-search>`;
    }
  }

  #worklist(sample: string | undefined, recording: string) {
    return sample === undefined
      ? nothing
      : html`<replay-worklist-bar sample=${sample} recording=${recording}></replay-worklist-bar>`;
  }

  #shortcuts(): readonly Shortcut[] {
    const route = this.#route;
    if (route.page !== 'player') return LIST_SHORTCUTS;
    return route.worklist === undefined ? SHORTCUTS : [...SHORTCUTS, ...WORKLIST_SHORTCUTS];
  }

  readonly #toSearch = (): void => {
    location.hash = this.#search;
  };

  readonly #check = async (): Promise<void> => {
    this.#set({ kind: 'checking' });
    try {
      this.#enter(await api.me());
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) this.#set({ kind: 'out', notice: '' });
      else this.#set({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
    }
  };

  #enter(me: Me) {
    viewer.me = me;
    this.#set({ kind: 'in', me });
    if (mayReview(me)) void this.#loadOutcomes();
  }

  /** Without them outcomes are shown by their code, which is no reason to stop. */
  async #loadOutcomes() {
    try {
      this.#outcomes = await api.outcomes();
      this.requestUpdate();
    } catch {
      this.#outcomes = [];
    }
  }

  readonly #logout = async (): Promise<void> => {
    try {
      await api.logout();
      this.#set({ kind: 'out', notice: 'You are logged out.' });
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) this.#set({ kind: 'out', notice: '' });
      else this.#say(error instanceof Error ? error.message : String(error), 'danger');
    }
  };

  readonly #onHash = (event: HashChangeEvent): void => {
    if (anythingStuck() && !confirm('Something you wrote is not saved yet. Leave it?')) {
      history.replaceState(history.state, '', event.oldURL);
      return;
    }
    this.#route = parseRoute(location.hash);
    this.#fresh = false;
    if (this.#route.page === 'search') this.#search = location.hash || '#/';
    this.requestUpdate();
  };

  #onQuery(href: string) {
    this.#fresh = false;
    this.#search = href;
    history.replaceState(history.state, '', href);
    this.requestUpdate();
  }

  readonly #onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event) || this.#session.kind !== 'in')
      return;
    if (event.key === '?') this.#showKeys(!this.#keysOpen);
    else if (this.#keysOpen) return;
    else if (event.key === '/') this.#focusSearch();
    else if (!this.#listKey(event) && !this.#playerKey(event)) return;
    event.preventDefault();
  };

  #listKey(event: KeyboardEvent): boolean {
    const list = this.renderRoot.querySelector<HTMLElementTagNameMap['replay-search' | 'replay-sample']>(
      'replay-search, replay-sample',
    );
    return (list ?? this.renderRoot.querySelector('replay-worklist-bar'))?.key(event) ?? false;
  }

  #playerKey(event: KeyboardEvent): boolean {
    const page = this.renderRoot.querySelector('replay-player-page');
    const player = page?.player;
    if (!player) return false;
    if (event.key.toLowerCase() === 'm') {
      page?.comment();
      return true;
    }
    const command = commandOf(event.key);
    if (command === undefined) return false;
    const target = event.composedPath()[0];
    const input = target instanceof HTMLInputElement ? target : undefined;
    // A focused button is pressed by the space bar; that is what its user expects.
    if (event.key === ' ' && onControl(event) && input === undefined) return false;
    // Sliders but the seek bar keep the keys that move them.
    const moves = event.key.startsWith('Arrow') || ['Home', 'End', 'PageUp', 'PageDown'].includes(event.key);
    if (moves && input !== undefined && input.dataset.testid !== 'seek') return false;
    player.command(command);
    return true;
  }

  #focusSearch() {
    const search = this.renderRoot.querySelector('replay-search');
    if (search) search.focusSearch();
    else location.hash = this.#search;
  }

  #showKeys(open: boolean) {
    this.#keysOpen = open;
    this.requestUpdate();
  }

  #news({ text, tone, action }: News) {
    this.renderRoot.querySelector('vt-toasts')?.show(text, tone, action);
  }

  #say(text: string, tone: 'ok' | 'danger' = 'ok') {
    this.renderRoot.querySelector('vt-toasts')?.show(text, tone);
  }

  #set(session: Session) {
    this.#session = session;
    this.requestUpdate();
  }
}

define('replay-app', ReplayApp);

declare global {
  interface HTMLElementTagNameMap {
    'replay-app': ReplayApp;
  }
}

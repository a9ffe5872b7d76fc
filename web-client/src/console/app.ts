import { html, LitElement, nothing } from 'lit';

import { base } from '../design/base.ts';
import '../elements/banner/banner.ts';
import '../elements/button/button.ts';
import { define } from '../elements/define.ts';
import '../elements/empty/empty.ts';
import '../elements/spinner/spinner.ts';
import '../elements/toast/toasts.ts';
import type { ConsentText, Me, Outcome, Problem, Role, Ticket } from '../protocol.ts';
import { ApiError, api } from '../staff/api.ts';
import '../staff/header.ts';
import { onControl, type Shortcut, typing } from '../staff/keys.ts';
import '../staff/login.ts';
import { learnQueues } from '../staff/queues.ts';
import { learnServerTime } from '../staff/server-time.ts';
import { appStyles } from './app-styles.ts';
import './call/call-view.ts';
import './consent/own-consent.ts';
import { Desk, type Place } from './desk.ts';
import './floor/floor.ts';
import './idle/idle.ts';
import './people/consult.ts';
import './ring/ring-card.ts';
import { Ringer } from './ring/ringer.ts';
import './status.ts';
import './tickets/ticket-detail.ts';
import './tickets/ticket-list.ts';
import './wrap-up/wrap-up-view.ts';

/** Who takes calls; the server decides, this only saves a page of refusals. */
const AGENTS: readonly Role[] = ['agent', 'supervisor', 'admin'];

/** Who follows calls of others; the server decides here too. */
const SUPERVISORS: readonly Role[] = ['supervisor', 'admin'];

const SHORTCUTS: readonly Shortcut[] = [
  { keys: ['A'], does: 'Available or away' },
  { keys: ['Enter'], does: 'Accept the call that rings' },
  { keys: ['D'], does: 'Decline it' },
  { keys: ['M'], does: 'Mute or unmute' },
  { keys: ['V'], does: 'Camera off or on' },
  { keys: ['F'], does: 'Other camera' },
  { keys: ['S'], does: 'Share the screen or stop' },
  { keys: ['H'], does: 'Hold or take the buyer back' },
  { keys: ['P'], does: 'Pause the recording for card data, or go on' },
  { keys: ['C'], does: 'Write in the chat' },
  { keys: ['?'], does: 'This list' },
];

type Session =
  | { readonly kind: 'checking' }
  | { readonly kind: 'out'; readonly notice: string }
  | { readonly kind: 'in'; readonly me: Me; readonly desk: Desk | undefined }
  | { readonly kind: 'failed'; readonly message: string };

/** The agent console: login, then one screen that shows what the moment asks for. */
export class ConsoleApp extends LitElement {
  static override styles = [base, appStyles];

  #session: Session = { kind: 'checking' };
  #place: Place = 'idle';
  #saved: Ticket | undefined;
  #outcomes: readonly Outcome[] = [];
  #keysOpen = false;
  /** What the agent reads before choosing about being recorded. */
  #words: ConsentText | undefined;
  #consentOpen = false;
  readonly #ringer = new Ringer();

  override connectedCallback() {
    super.connectedCallback();
    addEventListener('hashchange', this.#onHash);
    addEventListener('keydown', this.#onKey);
    addEventListener('pointerdown', this.#onTouch);
    void this.#check();
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    removeEventListener('hashchange', this.#onHash);
    removeEventListener('keydown', this.#onKey);
    removeEventListener('pointerdown', this.#onTouch);
    this.#leave();
  }

  override render() {
    const session = this.#session;
    switch (session.kind) {
      case 'checking':
        return html`<div class="middle" role="status"><vt-spinner></vt-spinner><span class="sr-only">Loading…</span></div>`;
      case 'failed':
        return html`<div class="middle">
          <vt-banner tone="danger" heading="The console could not start">
            ${session.message}
            <div slot="actions"><vt-button size="sm" icon="refresh" @click=${this.#check}>Try again</vt-button></div>
          </vt-banner>
        </div>`;
      case 'out':
        return html`<staff-login
          page="Console"
          notice=${session.notice}
          @staff-login=${(event: CustomEvent<Me>) => this.#enter(event.detail)}
        ></staff-login>`;
      case 'in':
        return html`<staff-header
            page="Console"
            .me=${session.me}
            @staff-logout=${this.#logout}
            @staff-keys=${() => this.#showKeys(true)}
          >
            ${session.desk ? this.#consentButton(session.desk) : nothing}
            ${
              session.desk
                ? html`<console-status
                    .desk=${session.desk}
                    @availability-set=${(event: CustomEvent<boolean>) => this.#setAvailable(event.detail)}
                  ></console-status>`
                : nothing
            }
          </staff-header>
          <main>${session.desk ? this.#page(session.desk) : this.#notAnAgent(session.me)}</main>
          ${session.desk ? html`<console-question .desk=${session.desk}></console-question>` : nothing}
          ${
            session.desk
              ? html`<console-own-consent .desk=${session.desk} .words=${this.#words} ?open=${this.#consentOpen} @vt-close=${() => this.#showConsent(false)}></console-own-consent>`
              : nothing
          }
          <staff-keys ?open=${this.#keysOpen} .shortcuts=${SHORTCUTS} @vt-close=${() => this.#showKeys(false)}></staff-keys>
          <vt-toasts></vt-toasts>`;
    }
  }

  /** The way to one's own choice, at any time. */
  #consentButton(desk: Desk) {
    return html`<vt-button
      slot="tools" variant="quiet" icon="shield" label="Being recorded yourself" data-testid="own-consent"
      ?disabled=${this.#words === undefined || !desk.connected} @click=${() => this.#showConsent(true)}
    ></vt-button>`;
  }

  #page(desk: Desk) {
    const { refused } = desk.store;
    if (refused !== undefined) return this.#refused(desk, refused);
    if (!desk.store.welcomed) {
      return html`<div class="middle" role="status">
        <vt-spinner></vt-spinner>
        ${desk.store.linkState === 'retrying' ? 'The server does not answer; trying again…' : 'Connecting…'}
      </div>`;
    }
    switch (this.#place) {
      case 'ring':
        return html`<div class="ring">
          <console-ring
            data-testid="ring"
            .ring=${desk.store.ring}
            ?blocked=${!desk.connected}
            @ring-accept=${() => desk.accept()}
            @ring-decline=${() => desk.decline()}
          ></console-ring>
        </div>`;
      case 'call':
        return html`<console-call .desk=${desk} @console-note=${(event: CustomEvent<string>) => this.#say(event.detail, 'danger')} @console-consent=${() => this.#showConsent(true)}></console-call>`;
      case 'wrap-up':
        return html`<console-wrap-up-view .desk=${desk}></console-wrap-up-view>`;
      case 'idle':
        return this.#idle(desk);
    }
  }

  #idle(desk: Desk) {
    const open = ticketInHash();
    return html`<div class="idle ${open ? 'with-ticket' : ''}">
      <div class="first">
        ${this.#saved ? this.#savedCard(this.#saved, desk) : nothing}
        ${SUPERVISORS.includes(desk.me.role) ? html`<console-floor .desk=${desk}></console-floor>` : nothing}
        <console-own-consent card .desk=${desk} .words=${this.#words}></console-own-consent>
        <console-idle .desk=${desk} .ringer=${this.#ringer}></console-idle>
        <a class="reviews" href="/replay/#/my-reviews" target="_blank" rel="noopener" data-testid="my-reviews">
          My reviews <span>(opens in a new tab)</span>
        </a>
      </div>
      <console-tickets .outcomes=${this.#outcomes} .selected=${open} ?everybody=${desk.me.role !== 'agent'}></console-tickets>
      ${
        open
          ? html`<console-ticket
              .ticketId=${open}
              .viewer=${desk.me.role}
              .outcomes=${this.#outcomes}
              @ticket-changed=${() => this.renderRoot.querySelector('console-tickets')?.refresh()}
            ></console-ticket>`
          : nothing
      }
    </div>`;
  }

  #savedCard(ticket: Ticket, desk: Desk) {
    const away = desk.availability === 'away';
    return html`<section class="saved" role="status" data-testid="saved">
      <h1>${ticket.number} is saved</h1>
      <p>${away ? 'You are away; no calls ring until you go available.' : 'You are ready for the next call.'}</p>
      <div class="buttons">
        <vt-button variant="primary" icon="check" data-testid="next" @click=${() => this.#next(desk)}>${away ? 'Go available' : 'Next'}</vt-button>
        <vt-button icon="ticket" @click=${() => this.#openTicket(ticket)}>Open the ticket</vt-button>
        ${away ? nothing : html`<vt-button variant="quiet" @click=${() => this.#break(desk)}>Take a break</vt-button>`}
      </div>
    </section>`;
  }

  #notAnAgent(me: Me) {
    return html`<vt-empty icon="phone" heading="This page takes calls">
      You are logged in as ${me.name}, whose role is ${me.role}.
      <span class="links" slot="actions">
        <a href="/replay/">Go to the replay console</a>
      </span>
    </vt-empty>`;
  }

  #refused(desk: Desk, problem: Problem) {
    return html`<div class="middle">
      <vt-banner tone="warn" heading=${problem.title || 'The server did not let this console in'}>
        ${problem.detail}
        <div slot="actions"><vt-button size="sm" icon="refresh" @click=${() => desk.store.open()}>Use the console here</vt-button></div>
      </vt-banner>
    </div>`;
  }

  readonly #check = async (): Promise<void> => {
    this.#set({ kind: 'checking' });
    void learnTime();
    try {
      this.#enter(await api.me());
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) this.#set({ kind: 'out', notice: '' });
      else this.#set({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
    }
  };

  #enter(me: Me) {
    this.#leave();
    if (!AGENTS.includes(me.role)) {
      this.#set({ kind: 'in', me, desk: undefined });
      return;
    }
    const desk = new Desk(me, (text, tone) => this.#say(text, tone));
    desk.addEventListener('change', this.#onDesk);
    this.#set({ kind: 'in', me, desk });
    desk.open();
    void this.#loadWords();
    // A click on "log in" lets the page ring aloud; after a reload there was none yet.
    if (navigator.userActivation?.hasBeenActive !== false) this.#ringer.unlock();
  }

  #leave() {
    this.#ringer.stop();
    const session = this.#session;
    if (session.kind !== 'in' || session.desk === undefined) return;
    session.desk.removeEventListener('change', this.#onDesk);
    session.desk.close();
    this.#place = 'idle';
    this.#saved = undefined;
  }

  /** Without them nobody is asked about being recorded, and outcomes and queues are shown by their code; the wrap-up form asks again by itself. */
  async #loadWords() {
    try {
      const [outcomes, queues, words] = await Promise.all([
        api.outcomes(),
        api.queues(),
        api.ownConsent(navigator.language || 'en'),
      ]);
      learnQueues(queues);
      this.#words = words;
      this.#outcomes = outcomes;
      this.requestUpdate();
    } catch {
      this.#outcomes = [];
    }
  }

  readonly #logout = async (): Promise<void> => {
    const session = this.#session;
    if (session.kind === 'in' && session.desk?.place === 'call') {
      this.#say('Hang up before you log out.', 'danger');
      return;
    }
    try {
      await api.logout();
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 401)) {
        this.#say(error instanceof Error ? error.message : String(error), 'danger');
        return;
      }
    }
    this.#leave();
    this.#set({ kind: 'out', notice: 'You are logged out.' });
  };

  readonly #onDesk = (): void => {
    const session = this.#session;
    if (session.kind !== 'in' || session.desk === undefined) return;
    const { desk } = session;
    if (desk.store.refused?.status === 401) {
      this.#leave();
      this.#set({ kind: 'out', notice: 'Your login has ended. Log in again.' });
      return;
    }
    const problem = desk.takeProblem();
    if (problem !== undefined) this.#say(problem.detail || problem.title, 'danger');
    if (desk.place !== this.#place) this.#moveTo(desk.place, desk);
    this.requestUpdate();
  };

  #moveTo(place: Place, desk: Desk) {
    const before = this.#place;
    this.#place = place;
    if (place === 'ring') {
      const { context } = desk.store.ring ?? {};
      const who = [context?.name ?? 'A buyer', context?.product?.name].filter(Boolean).join(' · ');
      this.#ringer.start(who, () => this.focus());
    } else {
      this.#ringer.stop();
    }
    const wrappedUp = desk.store.call?.state === 'ended' ? desk.store.call.ticket : undefined;
    if (place !== 'idle') this.#saved = undefined;
    else if (before === 'wrap-up' && wrappedUp !== undefined) void this.#showSaved(wrappedUp.id);
    // On a phone the page may be scrolled: what comes begins at its top.
    void this.updateComplete.then(() => this.renderRoot.querySelector('main')?.scrollTo(0, 0));
    // A ticket that lies open must not hide what happens now.
    if (place !== 'idle' && ticketInHash()) history.replaceState(history.state, '', '#/');
  }

  /** The server may close the call before it answers the form, which is gone then: ask for the ticket. */
  async #showSaved(ticket: string) {
    try {
      this.#saved = await api.ticket(ticket);
      if (this.#place !== 'idle') this.#saved = undefined;
      this.requestUpdate();
    } catch {
      // The list has it.
    }
  }

  /** A saved wrap-up bubbles up from the form. */
  override firstUpdated() {
    this.renderRoot.addEventListener('wrap-up-saved', (event) => {
      const session = this.#session;
      if (session.kind !== 'in' || session.desk?.place !== 'wrap-up') return;
      this.#saved = (event as CustomEvent<Ticket>).detail;
      session.desk.done();
      this.#place = session.desk.place;
      this.requestUpdate();
    });
  }

  #setAvailable(available: boolean) {
    const session = this.#session;
    if (session.kind !== 'in') return;
    this.#ringer.unlock();
    session.desk?.setAvailable(available);
  }

  #next(desk: Desk) {
    this.#saved = undefined;
    if (desk.availability === 'away') this.#setAvailable(true);
    this.requestUpdate();
  }

  #break(desk: Desk) {
    this.#saved = undefined;
    desk.setAvailable(false);
    this.requestUpdate();
  }

  #openTicket(ticket: Ticket) {
    this.#saved = undefined;
    location.hash = `#/t/${encodeURIComponent(ticket.id)}`;
    this.requestUpdate();
  }

  readonly #onHash = (): void => this.requestUpdate();

  /** Any touch of the page is what browsers want before they play sound. */
  readonly #onTouch = (): void => {
    if (this.#session.kind === 'in' && !this.#ringer.audible) this.#ringer.unlock();
  };

  readonly #onKey = (event: KeyboardEvent): void => {
    const session = this.#session;
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || typing(event)) return;
    if (session.kind !== 'in' || session.desk === undefined) return;
    if (event.key === '?') this.#showKeys(!this.#keysOpen);
    else if (this.#keysOpen || !this.#deskKey(event, session.desk)) return;
    event.preventDefault();
  };

  #deskKey(event: KeyboardEvent, desk: Desk): boolean {
    const key = event.key.toLowerCase();
    if (desk.place === 'ring') {
      // A focused button takes Enter itself.
      if (key === 'enter' && !onControl(event)) desk.accept();
      else if (key === 'd') desk.decline();
      else return false;
      return true;
    }
    if (desk.place === 'call') {
      const view = this.renderRoot.querySelector('console-call');
      const actions: Record<string, (() => void) | undefined> = {
        m: () => view?.stage?.toggleMute(),
        v: () => view?.stage?.toggleCamera(),
        f: () => view?.stage?.flip(),
        s: () => view?.stage?.toggleScreen(),
        h: () => view?.stage?.toggleHold(),
        p: () => view?.stage?.togglePause(),
        c: () => view?.chat?.focus(),
      };
      actions[key]?.();
      return actions[key] !== undefined;
    }
    if (desk.place === 'idle' && key === 'a' && desk.connected) {
      this.#setAvailable(desk.availability === 'away');
      return true;
    }
    return false;
  }

  #showKeys(open: boolean) {
    this.#keysOpen = open;
    this.requestUpdate();
  }

  #showConsent(open: boolean) {
    this.#consentOpen = open;
    this.requestUpdate();
  }

  #say(text: string, tone: 'ok' | 'warn' | 'danger') {
    this.renderRoot.querySelector('vt-toasts')?.show(text, tone);
  }

  #set(session: Session) {
    this.#session = session;
    this.requestUpdate();
  }
}

/** The ticket that is open beside the list, from `#/t/<id>`. */
function ticketInHash(): string {
  const id = /^#\/t\/([^/?]+)/.exec(location.hash)?.[1] ?? '';
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}

/** Any answer of the server carries its time. */
async function learnTime(): Promise<void> {
  try {
    const answer = await fetch('/healthz', { cache: 'no-store' });
    learnServerTime(answer.headers.get('date'), Date.now());
  } catch {
    // The own clock will do.
  }
}

define('console-app', ConsoleApp);

declare global {
  interface HTMLElementTagNameMap {
    'console-app': ConsoleApp;
  }
}

/** The buyer's way through a visit: one state at a time, with everything the screens show. No UI in here. */

import type { Key } from '../locales/catalogue.ts';
import type { CallMedia } from '../media/index.ts';
import type {
  BuyerSession,
  CallView,
  ConsentChoice,
  EndReason,
  Problem,
  RecordingState,
} from '../protocol.ts';
import { CallStore, type CallStoreOptions } from '../session/call-store.ts';
import { Observable } from '../session/observable.ts';
import { NetworkError, ProblemError, problemCode, Rest } from '../session/rest.ts';
import { CallRating } from './call-rating.ts';
import { fetchToken, TokenError } from './token.ts';
import { clearVisit, loadVisit, saveVisit } from './visit.ts';

/**
 * - `closed`: only the button in the page
 * - `loading`: token and visit are being made
 * - `intro`: who answers, what is recorded
 * - `check`: camera and microphone
 * - `waiting`: in line
 * - `call`: connected with an agent
 * - `ended`: thank you
 * - `error`: it cannot go on; see `error`
 */
export type FlowState = 'closed' | 'loading' | 'intro' | 'check' | 'waiting' | 'call' | 'ended' | 'error';

/** Why it cannot go on: words for the buyer, and a code for the shop's support. */
export interface FlowError {
  text: Key;
  code: string;
}

/** How it ended. `left`: gave up waiting; `gone`: ended while the page was away; `elsewhere`: goes on in another tab. */
export interface FlowEnd {
  reason: EndReason | 'left' | 'gone' | 'elsewhere';
  agent: string | undefined;
  durationMs: number | undefined;
  recording: RecordingState;
}

export type MediaModule = typeof import('../media/index.ts');

export interface FlowOptions {
  /** Where the shop's server gives out tokens. */
  tokenUrl: string | undefined;
  /** A token the shop put into the page instead. */
  token: string | undefined;
  /** Origin of the Vitrine server. */
  server: string;
  /** BCP 47. */
  language: string;
  /** Codec of the camera, as the shop's page names it. */
  codec?: string | undefined;
  /** Loads the media code. */
  loadMedia?: () => Promise<MediaModule>;
  /** For tests. */
  store?: Pick<CallStoreOptions, 'webSocket' | 'random'>;
}

/** Without an answer of the server in this time, hanging up happens here alone. */
const HANG_UP_MS = 2_000;

export class HelpFlow extends Observable {
  state: FlowState = 'closed';
  session: BuyerSession | undefined;
  consent: ConsentChoice | undefined;
  error: FlowError | undefined;
  end: FlowEnd | undefined;
  /** After a call: what the buyer thinks of it. */
  rating: CallRating | undefined;
  store: CallStore | undefined;
  media: CallMedia | undefined;
  /** The media code, once loaded. */
  mediaModule: MediaModule | undefined;
  /** Speaker chosen in the check, where the browser lets one choose. */
  speakerId: string | undefined;

  readonly #options: FlowOptions;
  /** Grows with each visit: what an older one finishes late is not for this one. */
  #visit = 0;
  #rejoining = false;
  #hangUpTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: FlowOptions) {
    super();
    this.#options = options;
  }

  /** Whether closing the window takes something from the buyer. */
  get engaged(): boolean {
    return this.state === 'waiting' || this.state === 'call';
  }

  /** The tap. */
  async open(): Promise<void> {
    if (this.state !== 'closed' && this.state !== 'ended' && this.state !== 'error') return;
    this.#reset();
    const visit = this.#visit;
    this.#go('loading');
    // Media code comes along with the token, so that the check need not wait for it.
    const media = this.#loadMedia();
    media.catch(() => undefined);
    try {
      const token = await this.#token();
      const session = await new Rest(this.#options.server, 'omit').post<BuyerSession>(
        '/buyer-sessions',
        { language: this.#options.language },
        { bearer: token },
      );
      if (visit !== this.#visit) return;
      this.session = session;
      this.#go('intro');
    } catch (error) {
      if (visit === this.#visit) this.#fail(explain(error));
    }
  }

  /** After a reload of the page: back into the running visit. Says whether there was one. */
  async rejoin(): Promise<boolean> {
    const visit = loadVisit(this.#options.server);
    if (!visit || this.state !== 'closed') return false;
    this.#reset();
    const number = this.#visit;
    this.session = visit.session;
    this.consent = visit.consent;
    this.#rejoining = true;
    this.#go('loading');
    try {
      const media = await this.#startMedia();
      if (number !== this.#visit) return true;
      void (visit.camera ? media.local.openBoth() : media.local.openMicrophone());
      this.#connect();
    } catch {
      if (number === this.#visit) this.#fail({ text: 'errorMedia', code: 'media_not_loaded' });
    }
    return true;
  }

  /** The choice about recording; asks for camera and microphone next. */
  async choose(recording: boolean): Promise<void> {
    if (!this.session || this.state !== 'intro') return;
    this.consent = this.#choice(recording);
    const visit = this.#visit;
    this.#go('check');
    try {
      const media = await this.#startMedia();
      if (visit === this.#visit) void media.local.openBoth();
    } catch {
      if (visit === this.#visit) this.#fail({ text: 'errorMedia', code: 'media_not_loaded' });
    }
  }

  /** Gets in line. */
  async join(): Promise<void> {
    if (this.state !== 'check') return;
    const visit = this.#visit;
    this.#go('waiting');
    try {
      await this.#startMedia();
    } catch {
      if (visit === this.#visit) this.#fail({ text: 'errorMedia', code: 'media_not_loaded' });
      return;
    }
    if (visit !== this.#visit) return;
    this.#save();
    this.#connect();
  }

  /** Agrees to, or withdraws from, being recorded in the middle of the visit. */
  setConsent(recording: boolean): void {
    if (!this.session) return;
    this.consent = this.#choice(recording);
    this.#save();
    if (this.consent) this.store?.setConsent(this.consent);
    this.changed();
  }

  /** Leaves the line or the call. */
  leave(): void {
    if (!this.engaged) return;
    const waiting = this.state === 'waiting';
    const sent = this.store?.hangUp() === true && this.store.linkState === 'open';
    if (waiting || !sent) this.#finish(waiting ? 'left' : 'buyer_hung_up');
    // The server answers with the call as it ended; a server that does not must not keep the buyer here.
    else this.#hangUpTimer = setTimeout(() => this.#finish('buyer_hung_up'), HANG_UP_MS);
  }

  /** Closes the window, leaving whatever goes on. */
  close(): void {
    if (this.engaged) this.store?.hangUp();
    this.rating?.flush();
    this.#reset();
    this.#go('closed');
  }

  /** The buyer's tab goes away or the element is taken out of the page: end the connections, keep the visit. */
  suspend(): void {
    this.#dropConnections();
    this.state = 'closed';
  }

  /** Nothing where nobody is asked. */
  #choice(recording: boolean): ConsentChoice | undefined {
    const words = this.session?.consent;
    return words && { recording, text_version: words.version, language: words.language };
  }

  async #token(): Promise<string> {
    const { token, tokenUrl } = this.#options;
    if (token) return token;
    if (!tokenUrl) throw new SetupError();
    return fetchToken(tokenUrl);
  }

  #loadMedia(): Promise<MediaModule> {
    return (this.#options.loadMedia ?? (() => import('../media/index.ts')))();
  }

  async #startMedia(): Promise<CallMedia> {
    const visit = this.#visit;
    this.mediaModule ??= await this.#loadMedia();
    if (visit === this.#visit && !this.media) {
      const codec = this.mediaModule.cameraCodec(this.#options.codec);
      this.media = new this.mediaModule.CallMedia(undefined, { codec });
      this.media.addEventListener('change', this.#onMedia);
    }
    if (!this.media) throw new Error('the visit is over');
    this.changed();
    return this.media;
  }

  readonly #onMedia = () => {
    if (this.engaged && this.media && loadVisit(this.#options.server)?.camera !== this.#cameraOn)
      this.#save();
    this.changed();
  };

  get #cameraOn(): boolean {
    const state = this.media?.local.camera.state;
    return state === 'live' || state === 'opening';
  }

  #connect() {
    const token = this.session?.session_token;
    const store = new CallStore({
      server: this.#options.server,
      sessionToken: () => token,
      ...this.#options.store,
    });
    this.store = store;
    store.onWelcome = () => this.#onWelcome(store);
    store.addEventListener('change', () => {
      if (store === this.store) this.#onStore(store);
    });
    if (this.media) store.attachMedia(this.media);
    store.open();
    globalThis.addEventListener?.('online', this.#onOnline);
  }

  readonly #onOnline = () => this.store?.reconnect();

  #onWelcome(store: CallStore) {
    if (store !== this.store || store.call) return;
    if (this.#rejoining) {
      // The call (or the place in line) is no more: it ended while the page was away.
      this.#finish('gone');
    } else if (this.state === 'waiting') {
      store.requestHelp(this.consent, (problem) => this.#onHelpProblem(store, problem));
    } else if (this.state === 'call') {
      this.#finish('server_stopped');
    }
  }

  #onHelpProblem(store: CallStore, problem: Problem) {
    // A request that was made twice over a broken connection is refused because the first one stands.
    if (store === this.store && !store.call && !store.queue) this.#fail(explain(new ProblemError(problem)));
  }

  #onStore(store: CallStore) {
    if (store.refused) {
      const stale = this.#rejoining;
      const refused = store.refused;
      if (problemCode(refused) === 'connected_elsewhere') this.#finish('elsewhere');
      else if (stale) this.#finish('gone');
      else this.#fail(explain(new ProblemError(refused)));
      return;
    }
    const call = store.call;
    if (call) {
      this.#rejoining = false;
      if (call.state === 'waiting' || call.state === 'ringing') this.#go('waiting');
      else if (call.state === 'connected') this.#go('call');
      else this.#finish(call.end_reason ?? 'agent_hung_up');
    }
    this.changed();
  }

  #finish(reason: FlowEnd['reason']) {
    if (this.state === 'ended' || this.state === 'closed') return;
    const call = this.store?.call;
    this.end = {
      reason,
      agent: this.store?.others.find((party) => party.side === 'agent')?.name,
      durationMs: talkedMs(call),
      recording: call?.recording ?? 'off',
    };
    this.rating = reason === 'elsewhere' ? undefined : this.#rating(call);
    clearVisit(this.#options.server);
    this.#dropConnections();
    this.#go('ended');
  }

  #rating(call: CallView | undefined): CallRating | undefined {
    const bearer = this.session?.session_token;
    if (!call?.accepted_at || !bearer) return undefined;
    const rest = new Rest(this.#options.server, 'omit');
    return new CallRating((rating) => rest.put(`/calls/${call.id}/rating`, rating, { bearer }));
  }

  #fail(error: FlowError) {
    clearVisit(this.#options.server);
    this.#dropConnections();
    this.error = error;
    this.#go('error');
  }

  #save() {
    if (!this.session) return;
    const consent = this.consent && { consent: this.consent };
    saveVisit(this.#options.server, { session: this.session, ...consent, camera: this.#cameraOn });
  }

  #reset() {
    this.#visit += 1;
    clearTimeout(this.#hangUpTimer);
    if (this.state !== 'closed') clearVisit(this.#options.server);
    this.#dropConnections();
    this.session = this.consent = this.error = this.end = this.rating = undefined;
    this.#rejoining = false;
  }

  #dropConnections() {
    clearTimeout(this.#hangUpTimer);
    globalThis.removeEventListener?.('online', this.#onOnline);
    this.media?.removeEventListener('change', this.#onMedia);
    this.media?.close();
    this.media = undefined;
    const store = this.store;
    this.store = undefined;
    store?.close();
  }

  #go(state: FlowState) {
    this.state = state;
    this.changed();
  }
}

/** The page has neither a token nor an address to get one from. */
class SetupError extends Error {}

/** What to tell the buyer about a failure. */
export function explain(error: unknown): FlowError {
  if (error instanceof SetupError) return { text: 'errorSetup', code: 'no_token_url' };
  if (error instanceof TokenError) return { text: 'errorToken', code: `token_${error.status}` };
  if (error instanceof NetworkError) return { text: 'errorNetwork', code: 'network' };
  if (error instanceof ProblemError) {
    const code = problemCode(error.problem);
    if (code === 'session_unknown' || code === 'token_expired' || code === 'token_replayed') {
      return { text: 'errorExpired', code };
    }
    return {
      text: error.problem.status >= 500 || error.problem.status === 429 ? 'errorServer' : 'errorRefused',
      code,
    };
  }
  return { text: 'errorServer', code: 'unknown' };
}

/** How long the two talked; `undefined` when they never did. */
function talkedMs(call: CallView | undefined): number | undefined {
  if (!call?.accepted_at) return undefined;
  const end = call.ended_at ? Date.parse(call.ended_at) : Date.now();
  return Math.max(0, end - Date.parse(call.accepted_at));
}

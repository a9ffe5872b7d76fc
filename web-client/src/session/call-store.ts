/**
 * What one person (buyer or agent) knows about their session: the link, the call, the queue, the ring, the chat.
 * Elements render it through {@link Watch}; media is driven from here through {@link MediaPort}, so that this module
 * needs no browser media and the widget can load that part later.
 */
import type {
  Availability,
  CallId,
  CallView,
  ChatLine,
  ClientMessage,
  ClientStats,
  ConsentChoice,
  ConsentReceipt,
  EncodingWish,
  MonitorMode,
  Party,
  PartyId,
  PauseReason,
  Problem,
  QueuePlace,
  Ring,
  RingEnd,
  SlotSize,
  SlotView,
  Source,
  SourceLine,
  StaffWelcome,
  UserId,
} from '../protocol.ts';
import { Link, type LinkMessage, type LinkOptions, type LinkState, linkUrl, type Welcome } from './link.ts';
import { LiveState } from './live.ts';
import { Observable } from './observable.ts';

/** What the store needs of the media side (`media/call-media.ts` has it). */
export interface MediaPort {
  /** Called with an offer when media needs one (first time, ICE restart, new connection). */
  onOffer: ((offer: { sdp: string; sources: SourceLine[] }) => void) | undefined;
  /** Called when what this person sends has changed. */
  onSending: ((sources: Source[]) => void) | undefined;
  /** Called with each small message of the other side over the data channel. */
  onEvent: ((event: unknown) => void) | undefined;
  /** Called when the receive slots are shown in other sizes. */
  onViews: ((slots: SlotSize[]) => void) | undefined;
  /** Called every few seconds with what was noticed meanwhile. */
  onStats: ((stats: ClientStats) => void) | undefined;
  readonly sending: Source[];
  /** Begin (or, after a server that lost us, begin anew with a fresh connection). */
  start(): void;
  /** An offer was made and not answered: hand it out again. */
  repeatOffer(): void;
  setAnswer(sdp: string): Promise<void>;
  setSlots(slots: SlotView[]): void;
  /** What the server wants uploaded of a source. */
  setSendWish(source: Source, encodings: EncodingWish[]): void;
  sendEvent(event: unknown): void;
}

/** A chat line of ours that the server has not echoed yet. */
export interface PendingLine {
  id: number;
  text: string;
  failed: boolean;
}

/** No echo in this time while connected: the line is shown as not sent. */
const ECHO_MS = 5_000;
/** The typing indicator goes out by itself after this time without another keystroke. */
const TYPING_MS = 4_000;
/** Keystrokes repeat "typing" at most this often. */
const TYPING_REPEAT_MS = 2_000;

export interface CallStoreOptions extends Pick<LinkOptions, 'sessionToken' | 'webSocket' | 'random'> {
  /** Origin of the server; `''` for the page's own. */
  server?: string;
  /** Address of the WebSocket; by default that of `server`. */
  url?: string;
}

export class CallStore extends Observable {
  /** The connection to the server. */
  linkState: LinkState = 'closed';
  /** Whether the server has ever welcomed us; then `retrying` means "connection lost". */
  welcomed = false;
  /** Seconds a lost connection may take to come back. */
  graceS = 0;
  /** Staff: who we are and how the desk sees us. */
  staff: StaffWelcome | undefined;
  /** Staff: what we chose about being recorded ourselves. */
  ownConsent: ConsentReceipt | undefined;
  /** The call we are in, or the one that has just ended. */
  call: CallView | undefined;
  /** Buyer: place in line. */
  queue: QueuePlace | undefined;
  /** Agent: who asks for us. */
  ring: Ring | undefined;
  /** Agent: how the last ring ended. */
  ringEnd: { call: CallId; reason: RingEnd } | undefined;
  /** Our chat lines under way. */
  pending: PendingLine[] = [];
  /** The other side is typing. */
  otherTyping = false;
  /** The last thing that could not be done; see {@link dismissProblem}. */
  problem: Problem | undefined;
  /** What the server says of the moment: who speaks, how the connections are, the floor, a question. */
  readonly live = new LiveState();
  /** Why the server does not want us. */
  refused: Problem | undefined;
  /** `performance.now()` when the call became connected here; a resumed call counts from its resumption. */
  connectedAtMs: number | undefined;

  /** Told of every welcome, after its state has been taken over. */
  onWelcome: ((welcome: Welcome) => void) | undefined;

  readonly #link: Link;
  #watchesFloor = false;
  #media: MediaPort | undefined;
  #slots: SlotView[] = [];
  #nextPending = 1;
  #typingTimer: ReturnType<typeof setTimeout> | undefined;
  #typingSentAtMs = Number.NEGATIVE_INFINITY;
  #firstFrameSent = false;
  /** Highest chat number seen in this call: a line of ours counts as echoed once, not again with every `call`. */
  #chatSeen = 0;

  constructor(options: CallStoreOptions = {}) {
    super();
    this.#link = new Link({
      url: options.url ?? linkUrl(options.server ?? ''),
      ...(options.sessionToken ? { sessionToken: options.sessionToken } : {}),
      ...(options.webSocket ? { webSocket: options.webSocket } : {}),
      ...(options.random ? { random: options.random } : {}),
      onState: (state) => this.#onState(state),
      onWelcome: (welcome) => this.#onWelcome(welcome),
      onMessage: (message) => this.#onMessage(message),
      onProblem: (problem) => {
        this.problem = problem;
        this.changed();
      },
      onRefused: (problem) => {
        this.refused = problem;
        this.changed();
      },
    });
  }

  /** The others in the call. */
  get others(): Party[] {
    return this.call?.parties.filter((party) => party.id !== this.call?.you) ?? [];
  }

  /** The other side of a two-person call. */
  get other(): Party | undefined {
    return this.others[0];
  }

  /** Ourselves, as the others see us. */
  get me(): Party | undefined {
    return this.call?.parties.find((party) => party.id === this.call?.you);
  }

  /** Whether a call goes on (the media part of it). */
  get inCall(): boolean {
    return this.call?.state === 'connected';
  }

  get media(): MediaPort | undefined {
    return this.#media;
  }

  open(): void {
    this.refused = undefined;
    this.#link.open();
  }

  close(): void {
    clearTimeout(this.#typingTimer);
    this.attachMedia(undefined);
    this.#link.close();
  }

  /** The network changed, or the person wants it now. */
  reconnect(): void {
    this.#link.reconnect();
  }

  /** Takes the media side into service: makes the offer as soon as the server has welcomed us. */
  attachMedia(media: MediaPort | undefined): void {
    const before = this.#media;
    if (before) {
      before.onOffer = before.onSending = before.onEvent = undefined;
      before.onViews = before.onStats = undefined;
    }
    this.#media = media;
    if (!media) return;
    // Both are stated anew after each welcome, so they are never queued: a stale one would only do harm.
    media.onOffer = (offer) => this.#sendOffer(offer);
    media.onSending = (sources) => this.#link.send({ type: 'sending', sources }, { queue: false });
    media.onEvent = (event) => this.#onEvent(event);
    media.onViews = (slots) => this.#hint({ type: 'views', slots });
    media.onStats = (stats) => {
      if (this.inCall) this.#hint({ type: 'client_stats', stats });
    };
    media.setSlots(this.#slots);
    if (this.#link.state === 'open') {
      media.start();
      this.#stateSending();
    }
  }

  /** `consent` is missing when the buyer was not asked. */
  requestHelp(consent: ConsentChoice | undefined, onProblem?: (problem: Problem) => void): boolean {
    const choice = consent === undefined ? {} : { consent };
    return this.#link.send({ type: 'request_help', ...choice }, onProblem ? { onProblem } : {});
  }

  setConsent(consent: ConsentChoice): boolean {
    return this.#link.send({ type: 'set_consent', consent });
  }

  setAvailability(availability: Availability): boolean {
    return this.#link.send({ type: 'set_availability', availability });
  }

  accept(call: CallId): boolean {
    return this.#link.send({ type: 'accept', call }, { queue: false });
  }

  decline(call: CallId): boolean {
    return this.#link.send({ type: 'decline', call }, { queue: false });
  }

  hangUp(): boolean {
    return this.#link.send({ type: 'hang_up' });
  }

  /** Agent: puts the buyer on hold, or takes them back. */
  setHold(on: boolean): boolean {
    return this.#now({ type: 'set_hold', on });
  }

  /** Agent or supervisor: nothing is stored from now on, for so many seconds at most. */
  pauseRecording(reason: PauseReason, at_most_s: number): boolean {
    return this.#now({ type: 'pause_recording', reason, at_most_s });
  }

  /** The same: everything is again. */
  resumeRecording(): boolean {
    return this.#now({ type: 'resume_recording' });
  }

  /** Agent or supervisor: lets nobody have a source of somebody, or lets them again. */
  mute(party: PartyId, source: Source, muted: boolean): boolean {
    return this.#now({ type: 'mute', party, source, muted });
  }

  /** Supervisor: follows a call, or follows it in another way. */
  monitor(call: CallId, mode: MonitorMode): boolean {
    return this.#now({ type: 'monitor', call, mode });
  }

  /** Agent: asks a colleague about the call. */
  consult(colleague: UserId): boolean {
    return this.#now({ type: 'consult_start', colleague });
  }

  /** Answers a colleague's question. */
  answerConsult(call: CallId, accept: boolean): boolean {
    return this.#now({ type: 'consult_answer', call, accept });
  }

  /** Ends the consult, or takes the question back. */
  endConsult(): boolean {
    return this.#now({ type: 'consult_end' });
  }

  /** Staff: `live.floor` is kept up to date from now on, or no longer. */
  watchFloor(on: boolean): void {
    this.#watchesFloor = on;
    if (this.#link.state === 'open') this.#now({ type: 'watch_floor', on });
  }

  /** Forgets a call that is over, before asking for the next one. */
  clearCall(): void {
    this.call = undefined;
    this.queue = undefined;
    this.pending = [];
    this.connectedAtMs = undefined;
    this.otherTyping = false;
    this.changed();
  }

  dismissProblem(): void {
    this.problem = undefined;
    this.changed();
  }

  /** Sends a chat line; it stays in `pending` until the server echoes it. */
  sendChat(text: string): void {
    const trimmed = text.trim();
    if (!trimmed) return;
    const line: PendingLine = { id: this.#nextPending++, text: trimmed, failed: false };
    this.pending = [...this.pending, line];
    this.#typingSentAtMs = Number.NEGATIVE_INFINITY;
    this.#transmit(line);
  }

  retryChat(id: number): void {
    const line = this.pending.find((one) => one.id === id);
    if (line) this.#transmit(line);
  }

  /** The person types (or has stopped to). */
  setTyping(on: boolean): void {
    const now = performance.now();
    if (on && now - this.#typingSentAtMs < TYPING_REPEAT_MS) return;
    this.#typingSentAtMs = on ? now : Number.NEGATIVE_INFINITY;
    this.#media?.sendEvent({ type: 'typing', on });
  }

  /** The first frame of the other side is on the screen. Counted once a call. */
  firstFrameShown(): void {
    if (this.#firstFrameSent || this.connectedAtMs === undefined) return;
    this.#firstFrameSent = true;
    const after_ms = Math.max(0, Math.round(performance.now() - this.connectedAtMs));
    this.#link.send({ type: 'first_frame', after_ms }, { queue: false });
  }

  #transmit(line: PendingLine) {
    const update = (failed: boolean) => {
      this.pending = this.pending.map((one) => (one.id === line.id ? { ...one, failed } : one));
      this.changed();
    };
    update(false);
    const sent = this.#link.send(
      { type: 'chat', text: line.text },
      {
        onProblem: (problem) => {
          this.problem = problem;
          update(true);
        },
      },
    );
    if (sent) setTimeout(() => this.#link.state === 'open' && update(true), ECHO_MS);
    else update(true);
  }

  /** Says what makes sense only now. */
  #now(message: ClientMessage): boolean {
    return this.#link.send(message, { queue: false });
  }

  #sendOffer(offer: { sdp: string; sources: SourceLine[] }) {
    this.#link.send({ type: 'offer', ...offer }, { queue: false });
  }

  /** Says something the server can do without: nobody is told when it does not get there. */
  #hint(message: ClientMessage) {
    this.#link.send(message, { queue: false, onProblem: () => undefined });
  }

  #stateSending() {
    if (this.#media) this.#link.send({ type: 'sending', sources: this.#media.sending }, { queue: false });
  }

  #onState(state: LinkState) {
    this.linkState = state;
    this.changed();
  }

  #onWelcome(welcome: Welcome) {
    this.welcomed = true;
    this.graceS = welcome.grace_s;
    if (welcome.staff) {
      this.staff = welcome.staff;
      this.ownConsent = welcome.staff.consent;
    }
    if (!welcome.resumed) {
      // The whole state comes with it; what it does not carry is no more.
      this.queue = undefined;
      this.ring = welcome.ring;
      this.live.ask = welcome.consult;
      if (this.#watchesFloor) this.#now({ type: 'watch_floor', on: true });
      this.#slots = [];
      this.#media?.setSlots([]);
      this.#setCall(welcome.call, 'known');
      this.#media?.start();
    } else {
      if (welcome.ring) this.ring = welcome.ring;
      if (welcome.consult) this.live.ask = welcome.consult;
      if (welcome.call) this.#setCall(welcome.call, 'known');
      this.#media?.repeatOffer();
    }
    this.#stateSending();
    this.onWelcome?.(welcome);
    for (const line of this.pending)
      if (!line.failed) setTimeout(() => this.#failUnlessEchoed(line.id), ECHO_MS);
    this.changed();
  }

  #failUnlessEchoed(id: number) {
    if (this.#link.state !== 'open') return;
    this.pending = this.pending.map((line) => (line.id === id ? { ...line, failed: true } : line));
    this.changed();
  }

  #onMessage(message: LinkMessage) {
    switch (message.type) {
      case 'answer':
        this.#media?.setAnswer(message.sdp).catch((error: unknown) => {
          this.problem = {
            type: '/problems/bad-answer',
            title: 'The call could not be set up',
            status: 0,
            detail: error instanceof Error ? error.message : String(error),
          };
          this.changed();
        });
        break;
      case 'slots':
        this.#slots = message.slots;
        this.#media?.setSlots(message.slots);
        break;
      case 'send_wish':
        this.#media?.setSendWish(message.source, message.encodings);
        break;
      case 'availability':
        if (this.staff) this.staff = { ...this.staff, availability: message.availability };
        break;
      case 'own_consent':
        this.ownConsent = message.receipt;
        break;
      case 'queue':
        this.queue = message.place;
        break;
      case 'ring':
        this.ring = message.ring;
        this.ringEnd = undefined;
        break;
      case 'ring_ended':
        if (this.ring?.call === message.call) this.ring = undefined;
        this.ringEnd = { call: message.call, reason: message.reason };
        break;
      case 'call':
        this.#setCall(message.call);
        break;
      case 'chat':
        if (this.call?.id === message.call) this.#addLine(message.line);
        break;
      default:
        this.live.take(message, this.call?.id);
    }
    this.changed();
  }

  /** `known`: the call was going on before this connection, so its first frame is not an answer time. */
  #setCall(call: CallView | undefined, known?: 'known') {
    const wasConnected = this.inCall && this.call?.id === call?.id;
    if (call?.id !== this.call?.id || call?.state !== 'connected') this.live.clearCall();
    if (call?.id !== this.call?.id) {
      this.pending = [];
      this.#chatSeen = 0;
      this.#firstFrameSent = known === 'known' && call?.state === 'connected';
    }
    this.call = call;
    if (call?.state === 'connected' && !wasConnected) {
      this.connectedAtMs = performance.now();
      this.queue = undefined;
    }
    if (call && this.ring?.call === call.id) this.ring = undefined;
    for (const line of call?.chat ?? []) this.#echoed(line);
  }

  #addLine(line: ChatLine) {
    if (!this.call || this.call.chat.some((one) => one.number === line.number)) return;
    const chat = [...this.call.chat, line].sort((a, b) => a.number - b.number);
    this.call = { ...this.call, chat };
    if (line.from !== this.call.you) this.#setOtherTyping(false);
    this.#echoed(line);
  }

  #echoed({ number, from, text }: ChatLine) {
    if (number <= this.#chatSeen) return;
    this.#chatSeen = number;
    if (from !== this.call?.you) return;
    const at = this.pending.findIndex((line) => line.text === text);
    if (at >= 0) this.pending = this.pending.filter((_, index) => index !== at);
  }

  #onEvent(event: unknown) {
    if (typeof event !== 'object' || event === null) return;
    const { type, on } = event as { type?: unknown; on?: unknown };
    if (type === 'typing') this.#setOtherTyping(on === true);
  }

  #setOtherTyping(on: boolean) {
    clearTimeout(this.#typingTimer);
    if (on) this.#typingTimer = setTimeout(() => this.#setOtherTyping(false), TYPING_MS);
    if (on === this.otherTyping) return;
    this.otherTyping = on;
    this.changed();
  }
}

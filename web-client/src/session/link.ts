/**
 * The WebSocket to the server: hello and welcome, numbered messages, and coming back after a broken connection.
 *
 * Resume: the client says which server message it saw last; the server sends what was missed after a `welcome` with
 * `resumed: true`. The `seq` of such a welcome is the client's own last number, so that numbers only ever grow.
 */
import {
  type ClientFrame,
  type ClientMessage,
  PROTOCOL_VERSION,
  type Problem,
  type ServerFrame,
  type ServerMessage,
} from '../protocol.ts';

/**
 * - `connecting`: first attempt
 * - `open`: welcomed
 * - `retrying`: was open or tried once; trying again by itself
 * - `refused`: the server said no; it will not be asked again
 * - `closed`: not started, or closed by us
 */
export type LinkState = 'closed' | 'connecting' | 'open' | 'retrying' | 'refused';

export type Welcome = Extract<ServerMessage, { type: 'welcome' }>;
/** What comes after the welcome. */
export type LinkMessage = Exclude<ServerMessage, { type: 'welcome' | 'refused' | 'problem' }>;

/** First pause before another attempt, doubled each time, milliseconds. Each pause is 50–100 % of it (jitter). */
const BACKOFF_FIRST_MS = 250;
const BACKOFF_MAX_MS = 8_000;
/** An attempt without a welcome in this time has failed. */
const WELCOME_MS = 10_000;
/**
 * Close codes of the server after which trying again by itself would do harm: two tabs would throw each other out for
 * ever, a client that makes no sense would go on making none.
 */
const FINAL: Readonly<Record<number, Problem>> = {
  4001: {
    type: '/problems/connected_elsewhere',
    title: 'Connected elsewhere',
    status: 409,
    detail: 'You are connected in another tab or on another device, so this one has let go.',
  },
  4004: {
    type: '/problems/misbehaved',
    title: 'The server closed the connection',
    status: 400,
    detail: 'This page and the server do not understand each other. Reload the page.',
  },
};
/** Messages kept while offline; more are refused. Far above what a person can do in the grace time. */
const QUEUE_MAX = 64;
/** Problem handlers remembered, newest first: an answer to something older is a general problem. */
const REPLIES_MAX = 128;

export interface LinkOptions {
  /** `ws:` or `wss:` address. */
  url: string;
  /** Buyers: the session token, asked for at every attempt. */
  sessionToken?: () => string | undefined;
  onState: (state: LinkState) => void;
  onWelcome: (welcome: Welcome) => void;
  onMessage: (message: LinkMessage) => void;
  /** A problem nobody asked to hear about. */
  onProblem: (problem: Problem) => void;
  onRefused: (problem: Problem) => void;
  /** For tests. */
  webSocket?: new (
    url: string,
  ) => WebSocket;
  /** For tests: 0 ≤ x < 1. */
  random?: () => number;
}

export interface SendOptions {
  /** Keep it for the next connection when there is none now (default true). */
  queue?: boolean;
  /** Hears the problem when the server cannot do it. */
  onProblem?: (problem: Problem) => void;
}

interface Queued {
  message: ClientMessage;
  onProblem: ((problem: Problem) => void) | undefined;
}

export class Link {
  readonly #options: LinkOptions;
  readonly #queue: Queued[] = [];
  readonly #replies = new Map<number, (problem: Problem) => void>();
  #state: LinkState = 'closed';
  #socket: WebSocket | undefined;
  #sent = 0;
  #lastSeen = 0;
  #resumeToken: string | undefined;
  #attempts = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  get state(): LinkState {
    return this.#state;
  }

  /** Opens the connection and keeps it until {@link close} or a refusal. */
  open(): void {
    if (this.#state !== 'closed' && this.#state !== 'refused') return;
    this.#attempts = 0;
    this.#set('connecting');
    this.#connect();
  }

  /** Closes for good and forgets what was queued. */
  close(): void {
    this.#drop();
    this.#queue.length = 0;
    this.#resumeToken = undefined;
    this.#lastSeen = 0;
    this.#set('closed');
  }

  /** Tries again now instead of after the pause; drops a connection that only looks alive (network changed). */
  reconnect(): void {
    if (this.#state === 'closed' || this.#state === 'refused') return;
    this.#drop();
    this.#set('retrying');
    this.#connect();
  }

  /** Sends, or queues while offline. Says false when it could do neither. */
  send(message: ClientMessage, options: SendOptions = {}): boolean {
    if (this.#state === 'open') {
      this.#write(message, options.onProblem);
      return true;
    }
    const kept =
      options.queue !== false &&
      (this.#state === 'connecting' || this.#state === 'retrying') &&
      this.#queue.length < QUEUE_MAX;
    if (kept) this.#queue.push({ message, onProblem: options.onProblem });
    return kept;
  }

  #connect() {
    this.#sent = 0;
    this.#replies.clear();
    const WebSocketClass = this.#options.webSocket ?? WebSocket;
    let socket: WebSocket;
    try {
      socket = new WebSocketClass(this.#options.url);
    } catch {
      // An address the browser rejects (blocked by the page's policy, say) fails like one that does not answer.
      this.#retry();
      return;
    }
    this.#socket = socket;
    // Events of a socket we have let go of mean nothing any more.
    const current = (handler: (event: MessageEvent) => void) => (event: Event) => {
      if (socket === this.#socket) handler(event as MessageEvent);
    };
    socket.addEventListener(
      'open',
      current(() => this.#hello()),
    );
    socket.addEventListener(
      'message',
      current((event) => this.#read(event.data)),
    );
    socket.addEventListener(
      'close',
      current((event) => {
        const final = FINAL[(event as Event as CloseEvent).code];
        if (final) this.#refuse(final);
        else this.#retry();
      }),
    );
    this.#timer = setTimeout(() => this.#retry(), WELCOME_MS);
  }

  #hello() {
    const sessionToken = this.#options.sessionToken?.();
    this.#write({
      type: 'hello',
      version: PROTOCOL_VERSION,
      ...(sessionToken ? { session_token: sessionToken } : {}),
      ...(this.#resumeToken ? { resume: { token: this.#resumeToken, last_seq: this.#lastSeen } } : {}),
    });
  }

  #write(message: ClientMessage, onProblem?: (problem: Problem) => void) {
    this.#sent += 1;
    if (onProblem) {
      this.#replies.set(this.#sent, onProblem);
      const oldest = this.#replies.keys().next().value;
      if (this.#replies.size > REPLIES_MAX && oldest !== undefined) this.#replies.delete(oldest);
    }
    const frame: ClientFrame = { seq: this.#sent, ...message };
    this.#socket?.send(JSON.stringify(frame));
  }

  #read(data: unknown) {
    const frame = parse(data);
    if (!frame) return;
    if (frame.type === 'welcome') {
      this.#welcomed(frame);
    } else if (frame.type === 'refused') {
      this.#refuse(frame.problem);
    } else if (frame.seq > this.#lastSeen) {
      this.#lastSeen = frame.seq;
      if (frame.type === 'problem') {
        const handler = this.#replies.get(frame.reply_to) ?? this.#options.onProblem;
        this.#replies.delete(frame.reply_to);
        handler(frame.problem);
      } else {
        this.#options.onMessage(frame);
      }
    }
  }

  #welcomed(welcome: Welcome & { seq: number }) {
    clearTimeout(this.#timer);
    this.#attempts = 0;
    this.#resumeToken = welcome.resume_token;
    if (!welcome.resumed) this.#lastSeen = welcome.seq;
    this.#set('open');
    this.#options.onWelcome(welcome);
    for (const { message, onProblem } of this.#queue.splice(0)) this.#write(message, onProblem);
  }

  #refuse(problem: Problem) {
    this.#drop();
    this.#resumeToken = undefined;
    this.#lastSeen = 0;
    this.#queue.length = 0;
    this.#set('refused');
    this.#options.onRefused(problem);
  }

  #retry() {
    this.#drop();
    this.#set('retrying');
    const pause = Math.min(BACKOFF_FIRST_MS * 2 ** this.#attempts, BACKOFF_MAX_MS);
    this.#attempts += 1;
    this.#timer = setTimeout(
      () => this.#connect(),
      pause * (0.5 + (this.#options.random ?? Math.random)() / 2),
    );
  }

  #drop() {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }

  #set(state: LinkState) {
    if (state === this.#state) return;
    this.#state = state;
    this.#options.onState(state);
  }
}

/** A frame of the server; `undefined` for anything that is none (a newer server's extra messages pass through). */
function parse(data: unknown): ServerFrame | undefined {
  if (typeof data !== 'string') return undefined;
  try {
    const frame: unknown = JSON.parse(data);
    const known =
      typeof frame === 'object' &&
      frame !== null &&
      typeof (frame as ServerFrame).seq === 'number' &&
      typeof (frame as ServerFrame).type === 'string';
    return known ? (frame as ServerFrame) : undefined;
  } catch {
    return undefined;
  }
}

/** Address of the WebSocket of a server; `''` is the page's own. */
export function linkUrl(server: string): string {
  const url = new URL('/api/v1/ws', server || location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}

/**
 * The agent's desk: link, media and devices as one thing the screens render. No UI.
 *
 * Devices are opened when the agent goes on duty and stay open, so that accepting a call costs no time; they are let
 * go when the agent goes away. After a reload in a call they are opened again without a click, because the browser
 * remembers the permission.
 */
import { CallMedia, LocalMedia } from '../media/index.ts';
import type { Availability, CallView, Me, MonitorMode, Problem } from '../protocol.ts';
import { CallStore } from '../session/call-store.ts';
import { Observable } from '../session/observable.ts';

/** What the main area shows. */
export type Place = 'idle' | 'ring' | 'call' | 'wrap-up';

export class Desk extends Observable {
  readonly me: Me;
  readonly store: CallStore;
  readonly media: CallMedia;
  /** Microphone and camera were asked for at least once since the page was loaded. */
  devicesAsked = false;
  /** When a call was missed, ms since 1970; until the agent goes available again. */
  missedAt: number | undefined;

  #place: Place = 'idle';
  #lastCall: CallView | undefined;
  #wasAway = true;
  /** The browser gives camera and microphone without asking. */
  #allowed = false;
  readonly #onNote: (text: string, tone: 'ok' | 'warn' | 'danger') => void;

  /**
   * @param onNote hears short messages about what has just happened
   * @param parts for tests: other parts than the real ones
   */
  constructor(
    me: Me,
    onNote: (text: string, tone: 'ok' | 'warn' | 'danger') => void,
    parts?: { readonly store: CallStore; readonly media: CallMedia },
  ) {
    super();
    this.me = me;
    this.#onNote = onNote;
    this.store = parts?.store ?? new CallStore();
    this.media = parts?.media ?? new CallMedia(new LocalMedia());
    this.media.held = true;
    this.store.addEventListener('change', this.#onStore);
    this.media.addEventListener('change', this.#onMedia);
  }

  /** Connects; the offer goes out with the welcome, so that the transport is warm before the first ring. */
  open(): void {
    this.store.attachMedia(this.media);
    this.store.open();
    void this.#openIfAllowed();
    addEventListener('online', this.#onOnline);
  }

  close(): void {
    removeEventListener('online', this.#onOnline);
    this.store.removeEventListener('change', this.#onStore);
    this.media.removeEventListener('change', this.#onMedia);
    this.store.close();
    this.media.close();
  }

  get place(): Place {
    return this.#place;
  }

  get call(): CallView | undefined {
    return this.store.call;
  }

  get availability(): Availability {
    return this.store.staff?.availability ?? 'away';
  }

  /** How we follow somebody else's call; nothing when we do not. */
  get monitor(): MonitorMode | undefined {
    const me = this.store.me;
    return me?.side === 'supervisor' ? (me.monitor ?? 'listen') : undefined;
  }

  /** Whether we may hear and see without being heard or seen. */
  get listening(): boolean {
    return this.monitor === 'listen';
  }

  /** Whether the call is ours: hold, consults and its end are. */
  get isAgent(): boolean {
    return this.store.me?.side === 'agent';
  }

  /** Whether the server knows us; before that nothing can be promised. */
  get connected(): boolean {
    return this.store.linkState === 'open';
  }

  /** On duty or away. Going on duty opens camera and microphone; without them the agent still takes calls. */
  setAvailable(available: boolean): void {
    this.store.setAvailability(available ? 'available' : 'away');
    this.missedAt = undefined;
    if (available) void this.openDevices();
  }

  /** Asks for microphone and camera; what cannot be had is in `media.local` with its reason. */
  async openDevices(): Promise<void> {
    this.devicesAsked = true;
    this.changed();
    await this.media.local.openBoth();
  }

  accept(): void {
    const ring = this.store.ring;
    if (ring === undefined) return;
    // Asking now is late but better than never; the call does not wait for it.
    if (!this.devicesAsked) void this.openDevices();
    if (!this.store.accept(ring.call))
      this.#onNote('You are not connected. The call cannot be taken now.', 'danger');
  }

  decline(): void {
    const ring = this.store.ring;
    if (ring !== undefined) this.store.decline(ring.call);
  }

  /** The wrap-up is saved, or there is none: ready for what comes. */
  done(): void {
    this.store.clearCall();
    this.#follow();
  }

  /** The problem the server reported last, as words; shown once. */
  takeProblem(): Problem | undefined {
    const { problem } = this.store;
    if (problem !== undefined) this.store.dismissProblem();
    return problem;
  }

  readonly #onOnline = (): void => this.store.reconnect();

  readonly #onStore = (): void => {
    this.#follow();
    this.changed();
  };

  readonly #onMedia = (): void => this.changed();

  #follow() {
    const { call, ring, ringEnd } = this.store;
    const before = this.#place;
    this.#place = placeOf(call, ring !== undefined);
    if (before === 'ring' && this.#place === 'idle' && ringEnd !== undefined) {
      if (ringEnd.reason === 'no_answer') this.missedAt = Date.now();
      if (ringEnd.reason === 'buyer_left') this.#onNote('The buyer left before you answered.', 'warn');
    }
    // A screen of one buyer's call must not go into the next one's, nor a muted microphone.
    if (before === 'call' && this.#place !== 'call') {
      this.media.local.stopScreen();
      if (this.media.local.microphone.state === 'muted') void this.media.local.setMuted(false);
    }
    this.media.held = this.#place !== 'call' || this.listening;
    const away = this.#place === 'idle' && this.availability === 'away';
    if (away && !this.#wasAway && this.devicesAsked) {
      this.devicesAsked = false;
      void this.media.local.letGo();
    }
    this.#wasAway = away;
    const onDuty =
      (this.#place === 'call' && !this.listening) ||
      (this.#allowed && this.store.staff !== undefined && !away);
    // Nobody sees who whispers, so their camera stays off.
    if (onDuty && this.monitor === 'whisper') {
      if (this.media.local.microphone.state === 'off') void this.media.local.setMuted(false);
    } else if (onDuty && !this.devicesAsked) void this.openDevices();
    // A guest who leaves knows it, and the call goes on.
    if (call?.state === 'ended' && this.#lastCall?.state === 'connected' && call.end_reason !== undefined) {
      this.#onNote(ENDED[call.end_reason], 'warn');
    }
    this.#lastCall = call;
  }

  /** After a reload on duty: the picture is back without a click where the browser remembers the permission. */
  async #openIfAllowed() {
    try {
      const states = await Promise.all(
        (['camera', 'microphone'] as const).map((name) =>
          navigator.permissions.query({ name: name as PermissionName }),
        ),
      );
      const granted = states.every(({ state }) => state === 'granted');
      this.#allowed = granted;
      this.#follow();
    } catch {
      // Firefox before 131 does not know these names; the agent's click will ask.
    }
  }
}

const ENDED = {
  buyer_hung_up: 'The buyer hung up.',
  agent_hung_up: 'The call is over.',
  abandoned: 'The buyer left.',
  buyer_lost: 'The buyer’s connection did not come back; the call is over.',
  agent_lost: 'Your connection was away for too long; the call is over.',
  server_stopped: 'The server stopped; the call is over.',
} as const;

/** Which screen a call and a ring ask for: what goes on goes before what comes. */
export function placeOf(call: CallView | undefined, rings: boolean): Place {
  switch (call?.state) {
    case 'connected':
      return 'call';
    case 'wrap_up':
      return 'wrap-up';
    default:
      return rings ? 'ring' : 'idle';
  }
}

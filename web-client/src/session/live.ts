/**
 * What the server says of the moment: who speaks, how the connections are, the floor, a colleague's question. Nothing of it
 * outlives a connection; the server says it anew.
 */
import type {
  CallId,
  ConsultAsk,
  FloorView,
  LinkState,
  PartyId,
  PartyLink,
  ServerMessage,
} from '../protocol.ts';

export class LiveState {
  /** Whom to look at. */
  speaker: PartyId | undefined;
  /** Staff who watch it: the floor. */
  floor: FloorView | undefined;
  /** A colleague asks us about a call. */
  ask: ConsultAsk | undefined;

  #speaking: ReadonlySet<PartyId> = new Set();
  #links: ReadonlyMap<PartyId, PartyLink> = new Map();

  speaks(party: PartyId | undefined): boolean {
    return party !== undefined && this.#speaking.has(party);
  }

  link(party: PartyId | undefined): PartyLink | undefined {
    return party === undefined ? undefined : this.#links.get(party);
  }

  /** Takes a message over if it is one of these. `call` is the one we are in. */
  take(message: ServerMessage, call: CallId | undefined): void {
    switch (message.type) {
      case 'speaking':
        if (message.call !== call) return;
        this.speaker = message.speaker;
        this.#speaking = new Set(message.speaking);
        break;
      case 'quality':
        if (message.call !== call) return;
        this.#links = new Map(message.links.map((link) => [link.party, link]));
        break;
      case 'floor':
        this.floor = message.floor;
        break;
      case 'consult_asked':
        this.ask = message.ask;
        break;
      case 'consult_ask_ended':
        if (this.ask?.call === message.call) this.ask = undefined;
        break;
    }
  }

  /** Another call, or none. */
  clearCall(): void {
    this.speaker = undefined;
    this.#speaking = new Set();
    this.#links = new Map();
  }
}

/** How a connection is, in words for the tooltip of an indicator. */
export function linkWords(link: PartyLink): string {
  const words: Record<LinkState, string> = {
    good: 'Good connection',
    fair: 'Fair connection',
    poor: 'Poor connection',
  };
  const figures = [
    link.rtt_ms === undefined ? '' : `${link.rtt_ms} ms`,
    link.loss_permille ? `${(link.loss_permille / 10).toFixed(1)} % lost` : '',
    link.down_kbps === undefined ? '' : `↓ ${megabits(link.down_kbps)}`,
    link.up_kbps === undefined ? '' : `↑ ${megabits(link.up_kbps)}`,
  ].filter(Boolean);
  return [words[link.link], link.video_paused ? 'video paused' : '', ...figures].filter(Boolean).join(' · ');
}

function megabits(kbps: number): string {
  return kbps < 1000 ? `${kbps} kbit/s` : `${(kbps / 1000).toFixed(1)} Mbit/s`;
}

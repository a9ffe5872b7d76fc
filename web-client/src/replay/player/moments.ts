/** What was written and what happened, in one list beside the player. Pure. */
import type {
  CallEventKind,
  EndReason,
  EventPerson,
  MonitorMode,
  RecordedSide,
  ReplayTimeline,
  Source,
} from '../../protocol.ts';
import { reasonWords } from './data.ts';

/** What kind of line it is; decides its look. */
export type MomentKind = 'chat' | 'event' | 'pause' | 'consent';

/** One line of the list. */
export interface Moment {
  /** Unique within a recording and the same at every load. */
  readonly id: string;
  /** When, ms of session time; negative before the recording began. */
  readonly atMs: number;
  readonly kind: MomentKind;
  /** Whose line of chat. */
  readonly side?: RecordedSide;
  /** The writer of a line of chat. */
  readonly who: string;
  readonly text: string;
}

/** Everything with a place in time that can be put into words, in time order. */
export function momentsOf(timeline: ReplayTimeline): Moment[] {
  const chat = timeline.chat.map(
    (line, index): Moment => ({
      id: `chat-${index}`,
      atMs: line.at_ms,
      kind: 'chat',
      ...(line.side === undefined ? {} : { side: line.side }),
      who: line.name,
      text: line.text,
    }),
  );
  const events = timeline.events.map((event, index): Moment => {
    const text = eventWords(event.what, event.by);
    return { id: `event-${index}`, atMs: event.at_ms, kind: 'event', who: '', text };
  });
  const pauses = timeline.pauses.flatMap((pause, index): Moment[] => {
    const by = pause.by === '' ? '' : ` by ${pause.by}`;
    const begins = `Recording paused${by}: ${reasonWords(pause.reason)}`;
    const ends = pause.resumed_by_itself
      ? 'Recording goes on by itself: the pause was over'
      : 'Recording goes on';
    const moment = (id: string, atMs: number, text: string): Moment => ({
      id,
      atMs,
      kind: 'pause',
      who: '',
      text,
    });
    return [
      moment(`pause-${index}`, pause.start_ms, begins),
      ...(pause.end_ms === undefined ? [] : [moment(`resume-${index}`, pause.end_ms, ends)]),
    ];
  });
  const receipts = timeline.receipts.map(
    (receipt, index): Moment => ({
      id: `consent-${index}`,
      atMs: receipt.at_ms,
      kind: 'consent',
      who: '',
      text: `The ${receipt.side} ${receipt.recording ? 'agreed' : 'declined'} to be recorded`,
    }),
  );
  return [...receipts, ...events, ...pauses, ...chat].sort((a, b) => a.atMs - b.atMs);
}

/** The moments that hold all words of a search, whatever their case and accents. */
export function matching(moments: readonly Moment[], search: string): Moment[] {
  const words = plain(search).split(/\s+/).filter(Boolean);
  return moments.filter((moment) => {
    const text = plain(`${moment.who} ${moment.text}`);
    return words.every((word) => text.includes(word));
  });
}

/** Index of the last moment that has come by `atMs`; -1 before the first. */
export function currentIndex(moments: readonly Moment[], atMs: number): number {
  return moments.findLastIndex((moment) => moment.atMs <= atMs);
}

/** The moment before or after a place, for the keys that walk through them. */
export function neighbour(moments: readonly Moment[], atMs: number, direction: 1 | -1): Moment | undefined {
  // A little before counts as here: going back twice must not stick at the same one.
  return direction === 1
    ? moments.find((moment) => moment.atMs > atMs + 50)
    : moments.findLast((moment) => moment.atMs >= 0 && moment.atMs < atMs - 1_000);
}

function plain(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{Mn}/gu, '')
    .toLowerCase();
}

/** An event as a sentence without its full stop. */
export function eventWords(what: CallEventKind, by?: EventPerson): string {
  const who = by === undefined ? '' : personWords(by);
  switch (what.kind) {
    case 'connected':
      return who === '' ? 'Connected' : `${who} answered`;
    case 'ended':
      return ENDS[what.reason];
    case 'held':
      return who === '' ? 'The buyer was put on hold' : `${who} put the buyer on hold`;
    case 'taken_back':
      return who === '' ? 'The hold ended' : `${who} took the buyer off hold`;
    case 'sending':
      return `${who} ${SENDING[what.source][what.on ? 1 : 0]}`;
    case 'muted': {
      const whose = personWords(what.whom);
      const thing = what.source === 'microphone' ? whose : `the ${what.source} of ${inside(whose)}`;
      return what.on
        ? `${who} muted ${inside(thing)} for everybody`
        : `${who} let ${inside(thing)} be heard and seen again`;
    }
    case 'consult_asked':
      return `${who} asked ${what.colleague} for advice`;
    case 'consult_began':
      return `${who} came to advise`;
    case 'consult_ended':
      return who === '' ? 'The question to a colleague ended' : `${who} left after advising`;
    case 'following':
      return `${who} ${FOLLOWS[what.mode]}`;
    case 'following_ended':
      return `${who} stopped following the call`;
    case 'connection_lost':
      return `${who} lost the connection`;
    case 'connection_back':
      return `${who} came back`;
  }
}

const ENDS: Record<EndReason, string> = {
  buyer_hung_up: 'The buyer hung up',
  agent_hung_up: 'The agent hung up',
  abandoned: 'The buyer left the line',
  buyer_lost: 'The call ended: the buyer did not come back',
  agent_lost: 'The call ended: the agent did not come back',
  server_stopped: 'The call ended: the server stopped',
};

const SENDING: Record<Source, readonly [off: string, on: string]> = {
  microphone: ['turned the microphone off', 'turned the microphone on'],
  camera: ['turned the camera off', 'turned the camera on'],
  screen: ['stopped sharing the screen', 'shared the screen'],
};

const FOLLOWS: Record<MonitorMode, string> = {
  listen: 'listened in',
  whisper: 'spoke to the agent alone',
  barge: 'joined the call',
};

function personWords(person: EventPerson): string {
  return person.side === 'buyer' ? 'The buyer' : (person.name ?? `The ${person.side}`);
}

/** "The buyer" in the middle of a sentence. */
function inside(words: string): string {
  return words.replace(/^The /, 'the ');
}

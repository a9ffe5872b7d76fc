import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type {
  CallView,
  ClientFrame,
  ClientStats,
  EncodingWish,
  ServerMessage,
  SlotView,
  Source,
  SourceLine,
} from '../protocol.ts';
import { CallStore, type MediaPort } from './call-store.ts';
import { asWebSocket, FakeSocket } from './fake-socket.ts';

class FakeMedia implements MediaPort {
  onOffer: MediaPort['onOffer'];
  onSending: MediaPort['onSending'];
  onEvent: MediaPort['onEvent'];
  onViews: MediaPort['onViews'];
  onStats: MediaPort['onStats'];
  sending: Source[] = ['microphone'];
  slots: SlotView[] = [];
  starts = 0;
  answers: string[] = [];
  events: unknown[] = [];
  wishes: unknown[] = [];
  #offer: { sdp: string; sources: SourceLine[] } | undefined;

  start() {
    this.starts += 1;
    this.#offer = { sdp: `offer ${this.starts}`, sources: [] };
    this.onOffer?.(this.#offer);
  }
  repeatOffer() {
    if (this.#offer) this.onOffer?.(this.#offer);
  }
  async setAnswer(sdp: string) {
    this.#offer = undefined;
    this.answers.push(sdp);
  }
  setSlots(slots: SlotView[]) {
    this.slots = slots;
  }
  setSendWish(source: Source, encodings: EncodingWish[]) {
    this.wishes.push([source, encodings]);
  }
  sendEvent(event: unknown) {
    this.events.push(event);
  }
}

const welcome = (over: object = {}): ServerMessage => ({
  type: 'welcome',
  version: 1,
  resume_token: 'r1',
  resumed: false,
  grace_s: 30,
  ...over,
});

const call = (over: Partial<CallView> = {}): CallView => ({
  id: 'call-1',
  state: 'connected',
  requested_at: '2026-11-21T20:00:00Z',
  you: 'me',
  parties: [
    { id: 'me', side: 'buyer', name: 'Ana', present: true, sending: [], muted: [] },
    { id: 'mina', side: 'agent', name: 'Mina', present: true, sending: [], muted: [] },
  ],
  recording: 'off',
  chat: [],
  ...over,
});

const line = (number: number, from: string, text: string) => ({
  number,
  from,
  text,
  at: '2026-11-21T20:01:00Z',
});
const said = (type: ClientFrame['type']) => FakeSocket.last.sent.filter((frame) => frame.type === type);

function makeStore() {
  const store = new CallStore({ url: 'ws://shop.test/ws', webSocket: asWebSocket, random: () => 1 });
  const media = new FakeMedia();
  store.attachMedia(media);
  store.open();
  return { store, media };
}

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.all = [];
});
afterEach(() => vi.useRealTimers());

test('once welcomed it offers media and says what it sends; the answer and the slots reach media', async () => {
  const { media } = makeStore();
  FakeSocket.last.accept().says(welcome());
  expect(FakeSocket.last.types).toEqual(['hello', 'offer', 'sending']);
  FakeSocket.last.says({ type: 'answer', sdp: 'the answer' });
  FakeSocket.last.says({ type: 'slots', slots: [{ mid: '3', shows: { party: 'mina', source: 'camera' } }] });
  expect(media.answers).toEqual(['the answer']);
  expect(media.slots).toHaveLength(1);
});

test('media that comes later gets the slots that came before it', () => {
  const store = new CallStore({ url: 'ws://shop.test/ws', webSocket: asWebSocket });
  store.open();
  FakeSocket.last.accept().says(welcome());
  FakeSocket.last.says({ type: 'slots', slots: [{ mid: '3' }] });
  const media = new FakeMedia();
  store.attachMedia(media);
  expect(media.slots).toHaveLength(1);
  expect(said('offer')).toHaveLength(1);
});

test('a resumed session keeps its transport; only an offer without an answer is sent again', () => {
  const { media } = makeStore();
  FakeSocket.last.accept().says(welcome());
  FakeSocket.last.break();
  vi.advanceTimersByTime(250);
  FakeSocket.last.accept().says(welcome({ resumed: true }), 1);
  expect(media.starts).toBe(1);
  expect(said('offer')).toHaveLength(1);
  FakeSocket.last.says({ type: 'answer', sdp: 'a' }, 2);
  FakeSocket.last.break();
  vi.advanceTimersByTime(250);
  FakeSocket.last.accept().says(welcome({ resumed: true }), 2);
  expect(said('offer')).toHaveLength(0);
  expect(said('sending')).toHaveLength(1);
});

test('a session the server no longer has begins anew, with a new transport', () => {
  const { store, media } = makeStore();
  FakeSocket.last.accept().says(welcome({ call: call() }));
  FakeSocket.last.break();
  vi.advanceTimersByTime(250);
  FakeSocket.last.accept().says(welcome());
  expect(media.starts).toBe(2);
  expect(store.call).toBeUndefined();
});

test('a chat line waits for its echo and goes back to the writer when there is none', () => {
  const { store } = makeStore();
  FakeSocket.last.accept().says(welcome({ call: call() }));
  store.sendChat('  hello  ');
  expect(store.pending).toMatchObject([{ text: 'hello', failed: false }]);
  FakeSocket.last.says({ type: 'chat', call: 'call-1', line: line(1, 'me', 'hello') });
  expect(store.pending).toEqual([]);
  expect(store.call?.chat).toHaveLength(1);

  store.sendChat('hello');
  // The whole call comes again after any change: yesterday's "hello" is not the echo of today's.
  FakeSocket.last.says({ type: 'call', call: call({ chat: [line(1, 'me', 'hello')] }) });
  expect(store.pending).toHaveLength(1);
  vi.advanceTimersByTime(5_000);
  expect(store.pending).toMatchObject([{ text: 'hello', failed: true }]);
  store.retryChat(store.pending[0]?.id ?? 0);
  expect(store.pending).toMatchObject([{ failed: false }]);
});

test('a line the server refuses goes back at once, with the reason', () => {
  const { store } = makeStore();
  FakeSocket.last.accept().says(welcome({ call: call() }));
  store.sendChat('hello');
  const seq = FakeSocket.last.sent.at(-1)?.seq ?? 0;
  const problem = {
    type: '/problems/too-long',
    title: 'Too long',
    status: 422,
    detail: 'At most 2,000 characters.',
  };
  FakeSocket.last.says({ type: 'problem', reply_to: seq, problem });
  expect(store.pending).toMatchObject([{ failed: true }]);
  expect(store.problem).toEqual(problem);
});

test('typing is told at most every two seconds, and fades by itself on the other side', () => {
  const { store, media } = makeStore();
  store.setTyping(true);
  store.setTyping(true);
  vi.advanceTimersByTime(2_000);
  store.setTyping(true);
  store.setTyping(false);
  expect(media.events).toEqual([
    { type: 'typing', on: true },
    { type: 'typing', on: true },
    { type: 'typing', on: false },
  ]);
  media.onEvent?.({ type: 'typing', on: true });
  expect(store.otherTyping).toBe(true);
  media.onEvent?.('nonsense');
  vi.advanceTimersByTime(4_000);
  expect(store.otherTyping).toBe(false);
});

test("the sizes of pictures, what was noticed, and wishes for the upload pass through; a refusal is nobody's problem", () => {
  const { store, media } = makeStore();
  FakeSocket.last.accept().says(welcome());
  media.onViews?.([{ mid: '6', width: 640, height: 360 }]);
  expect(said('views')).toMatchObject([{ slots: [{ mid: '6', width: 640, height: 360 }] }]);
  const stats = { period_ms: 2_000, freezes: 1 } as ClientStats;
  media.onStats?.(stats);
  expect(said('client_stats')).toEqual([]);
  FakeSocket.last.says({ type: 'call', call: call() });
  media.onStats?.(stats);
  expect(said('client_stats')).toMatchObject([{ stats }]);
  const encodings = [{ rid: 'q', active: true }];
  FakeSocket.last.says({ type: 'send_wish', source: 'camera', encodings });
  expect(media.wishes).toEqual([['camera', encodings]]);
  const refused = { type: '/problems/not_now', title: 'Not now', status: 409, detail: '' };
  for (const { seq } of FakeSocket.last.sent.filter(
    ({ type }) => type === 'views' || type === 'client_stats',
  ))
    FakeSocket.last.says({ type: 'problem', reply_to: seq, problem: refused });
  expect(store.problem).toBeUndefined();
});

test('the first frame is told once a call, and not for a call that was taken up after a reload', () => {
  const { store } = makeStore();
  FakeSocket.last.accept().says(welcome());
  FakeSocket.last.says({ type: 'call', call: call({ state: 'waiting' }) });
  FakeSocket.last.says({ type: 'call', call: call() });
  store.firstFrameShown();
  store.firstFrameShown();
  expect(said('first_frame')).toHaveLength(1);

  const reloaded = makeStore().store;
  FakeSocket.last.accept().says(welcome({ call: call() }));
  reloaded.firstFrameShown();
  expect(said('first_frame')).toHaveLength(0);
});

test('a ring shows until it ends or is answered', () => {
  const { store } = makeStore();
  const ring = {
    call: 'call-1',
    context: { subject: 's', language: 'de' },
    queue: { name: 'support', title: 'Support' },
    obstacles: [],
    requested_at: '2026-11-21T20:00:00Z',
    expires_at: '2026-11-21T20:00:20Z',
    recording: false,
  };
  FakeSocket.last
    .accept()
    .says(welcome({ staff: { name: 'Mina', role: 'agent', availability: 'available' } }));
  FakeSocket.last.says({ type: 'ring', ring });
  expect(store.ring?.call).toBe('call-1');
  FakeSocket.last.says({ type: 'ring_ended', call: 'call-1', reason: 'no_answer' });
  expect(store.ring).toBeUndefined();
  expect(store.ringEnd?.reason).toBe('no_answer');
  FakeSocket.last.says({ type: 'ring', ring }).says({ type: 'call', call: call() });
  expect(store.ring).toBeUndefined();
  FakeSocket.last.says({ type: 'availability', availability: 'busy' });
  expect(store.staff?.availability).toBe('busy');
});

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { Problem, ServerMessage } from '../protocol.ts';
import { asWebSocket, FakeSocket } from './fake-socket.ts';
import { Link, type LinkMessage, type LinkState, type Welcome } from './link.ts';

const problem: Problem = { type: '/problems/nope', title: 'No', status: 409, detail: 'Not now.' };
const welcome = (over: Partial<Welcome> = {}): ServerMessage => ({
  type: 'welcome',
  version: 1,
  resume_token: 'r1',
  resumed: false,
  grace_s: 30,
  ...over,
});
const queuePlace = (position: number): ServerMessage => ({
  type: 'queue',
  place: { position, agents_on_duty: 1 },
});

let states: LinkState[];
let heard: LinkMessage[];
let general: Problem[];
let refusals: Problem[];

function makeLink(): Link {
  states = [];
  heard = [];
  general = [];
  refusals = [];
  return new Link({
    url: 'ws://shop.test/api/v1/ws',
    sessionToken: () => 'token',
    webSocket: asWebSocket,
    random: () => 1,
    onState: (state) => states.push(state),
    onWelcome: () => undefined,
    onMessage: (message) => heard.push(message),
    onProblem: (one) => general.push(one),
    onRefused: (one) => refusals.push(one),
  });
}

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.all = [];
});
afterEach(() => vi.useRealTimers());

test('it says hello first, numbers what it sends from 1, and is open once welcomed', () => {
  const link = makeLink();
  link.open();
  FakeSocket.last.accept().says(welcome());
  link.send({ type: 'hang_up' });
  expect(FakeSocket.last.sent).toEqual([
    { seq: 1, type: 'hello', version: 1, session_token: 'token' },
    { seq: 2, type: 'hang_up' },
  ]);
  expect(states).toEqual(['connecting', 'open']);
});

test('after a broken connection it resumes with the last number it saw and counts its own from 1 again', () => {
  const link = makeLink();
  link.open();
  FakeSocket.last.accept().says(welcome()).says(queuePlace(3)).says(queuePlace(2));
  FakeSocket.last.break();
  expect(link.state).toBe('retrying');
  vi.advanceTimersByTime(250);
  const second = FakeSocket.last.accept();
  expect(second.sent).toEqual([
    { seq: 1, type: 'hello', version: 1, session_token: 'token', resume: { token: 'r1', last_seq: 3 } },
  ]);
  second.says(welcome({ resumed: true, resume_token: 'r2' }), 3).says(queuePlace(1), 4);
  expect(heard.map((message) => message.type === 'queue' && message.place.position)).toEqual([3, 2, 1]);
});

test('what it has seen already is not told twice', () => {
  const link = makeLink();
  link.open();
  FakeSocket.last
    .accept()
    .says(welcome())
    .says(queuePlace(2), 2)
    .says(queuePlace(2), 2)
    .says(queuePlace(1), 3);
  expect(heard).toHaveLength(2);
});

test('a server that starts afresh counts anew', () => {
  const link = makeLink();
  link.open();
  FakeSocket.last.accept().says(welcome(), 40).says(queuePlace(2), 41);
  FakeSocket.last.break();
  vi.advanceTimersByTime(250);
  FakeSocket.last.accept().says(welcome(), 1).says(queuePlace(1), 2);
  expect(heard).toHaveLength(2);
});

test('pauses between attempts double up to eight seconds', () => {
  const link = makeLink();
  link.open();
  const pauses: number[] = [];
  for (let attempt = 0; attempt < 8; attempt += 1) {
    const connections = FakeSocket.all.length;
    FakeSocket.last.break();
    let waited = 0;
    while (FakeSocket.all.length === connections) {
      vi.advanceTimersByTime(250);
      waited += 250;
    }
    pauses.push(waited);
  }
  expect(pauses).toEqual([250, 500, 1000, 2000, 4000, 8000, 8000, 8000]);
});

test('an attempt nobody welcomes is given up and tried again', () => {
  const link = makeLink();
  link.open();
  FakeSocket.last.accept();
  vi.advanceTimersByTime(10_000 + 250);
  expect(FakeSocket.all).toHaveLength(2);
  expect(FakeSocket.all[0]?.closed).toBe(true);
});

test('what is said while offline goes out in order with the next welcome; what must not wait is refused', () => {
  const link = makeLink();
  link.open();
  expect(link.send({ type: 'chat', text: 'one' })).toBe(true);
  expect(link.send({ type: 'sending', sources: [] }, { queue: false })).toBe(false);
  expect(link.send({ type: 'chat', text: 'two' })).toBe(true);
  FakeSocket.last.accept();
  expect(FakeSocket.last.types).toEqual(['hello']);
  FakeSocket.last.says(welcome());
  expect(FakeSocket.last.sent.slice(1)).toEqual([
    { seq: 2, type: 'chat', text: 'one' },
    { seq: 3, type: 'chat', text: 'two' },
  ]);
});

test('the queue is bounded', () => {
  const link = makeLink();
  link.open();
  const kept = Array.from({ length: 100 }, () => link.send({ type: 'hang_up' })).filter(Boolean);
  expect(kept).toHaveLength(64);
});

test('a problem goes to whoever asked, any other to the general handler', () => {
  const link = makeLink();
  link.open();
  FakeSocket.last.accept().says(welcome());
  const mine: Problem[] = [];
  link.send({ type: 'chat', text: 'hello' }, { onProblem: (one) => mine.push(one) });
  FakeSocket.last.says({ type: 'problem', reply_to: 2, problem });
  FakeSocket.last.says({ type: 'problem', reply_to: 2, problem });
  FakeSocket.last.says({ type: 'problem', reply_to: 77, problem });
  expect(mine).toEqual([problem]);
  expect(general).toEqual([problem, problem]);
});

test('refused is final until somebody opens it again', () => {
  const link = makeLink();
  link.open();
  FakeSocket.last.accept().says({ type: 'refused', problem });
  FakeSocket.last.break();
  vi.advanceTimersByTime(60_000);
  expect(refusals).toEqual([problem]);
  expect(FakeSocket.all).toHaveLength(1);
  link.open();
  expect(FakeSocket.all).toHaveLength(2);
});

test('a tab that was replaced by another one stays away, so that the two do not throw each other out for ever', () => {
  const link = makeLink();
  link.open();
  FakeSocket.last.accept().says(welcome());
  FakeSocket.last.break(4001);
  vi.advanceTimersByTime(60_000);
  expect(link.state).toBe('refused');
  expect(refusals[0]?.type).toBe('/problems/connected_elsewhere');
  expect(FakeSocket.all).toHaveLength(1);
});

test('frames that are none are dropped, and events of an old connection mean nothing', () => {
  const link = makeLink();
  link.open();
  const first = FakeSocket.last.accept().says(welcome());
  first.raw('{').raw('null').raw('{"seq":"x"}').raw(new ArrayBuffer(4)).says(queuePlace(1));
  link.reconnect();
  first.says(queuePlace(9));
  first.break();
  expect(heard).toHaveLength(1);
  expect(FakeSocket.all).toHaveLength(2);
});

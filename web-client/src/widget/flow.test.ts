import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { BuyerSession, CallView, ServerMessage } from '../protocol.ts';
import { asWebSocket, FakeSocket } from '../session/fake-socket.ts';
import { HelpFlow, type MediaModule } from './flow.ts';
import { tokenOf } from './token.ts';

const SERVER = 'https://help.test';
const session: BuyerSession = {
  id: 'b1',
  session_token: 'secret',
  expires_at: '2999-01-01T00:00:00Z',
  answered_by: 'Lumen & Co. support',
  agents_on_duty: 1,
  consent: { version: 'v1', language: 'de', text: 'Dürfen wir?', sha256: 'aa' },
  context: { subject: 's', language: 'de' },
};
const welcome = (over: object = {}): ServerMessage => ({
  type: 'welcome',
  version: 1,
  resume_token: 'r',
  resumed: false,
  grace_s: 30,
  ...over,
});
const call = (over: Partial<CallView> = {}): ServerMessage & { call: CallView } => ({
  type: 'call',
  call: {
    id: 'c1',
    state: 'connected',
    requested_at: '2026-11-21T20:00:00Z',
    accepted_at: '2026-11-21T20:01:00Z',
    you: 'me',
    parties: [
      { id: 'me', side: 'buyer', name: 'Ana', present: true, sending: [], muted: [] },
      { id: 'mina', side: 'agent', name: 'Mina', present: true, sending: [], muted: [] },
    ],
    recording: 'off',
    chat: [],
    ...over,
  },
});

/** Media without devices or connections. */
class NoMedia extends EventTarget {
  local = {
    camera: { state: 'live' },
    openBoth: vi.fn(async () => undefined),
    openMicrophone: vi.fn(async () => undefined),
  };
  sending = [];
  start = vi.fn();
  repeatOffer = vi.fn();
  setSlots = vi.fn();
  close = vi.fn();
}
const loadMedia = async () =>
  ({ CallMedia: NoMedia, cameraCodec: () => undefined }) as unknown as MediaModule;

let answers: Record<string, () => Response>;
let storage: Map<string, string>;

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.all = [];
  storage = new Map();
  vi.stubGlobal('sessionStorage', {
    getItem: (key: string) => storage.get(key) ?? null,
    setItem: (key: string, value: string) => storage.set(key, value),
    removeItem: (key: string) => storage.delete(key),
  });
  answers = {
    '/token': () => new Response('aaa.bbb.ccc'),
    [`${SERVER}/api/v1/buyer-sessions`]: () => Response.json(session, { status: 201 }),
  };
  vi.stubGlobal('fetch', async (url: string) => {
    const answer = answers[url];
    if (!answer) throw new TypeError('failed to fetch');
    return answer();
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const makeFlow = (over: object = {}) =>
  new HelpFlow({
    tokenUrl: '/token',
    token: undefined,
    server: SERVER,
    language: 'de',
    loadMedia,
    store: { webSocket: asWebSocket, random: () => 1 },
    ...over,
  });

async function waitingFlow(recording = false) {
  const flow = makeFlow();
  await flow.open();
  await flow.choose(recording);
  await flow.join();
  return flow;
}

test('where nothing is recorded nobody chooses, and a reload still finds the way back', async () => {
  const { consent: _, ...unasked } = session;
  answers[`${SERVER}/api/v1/buyer-sessions`] = () => Response.json(unasked, { status: 201 });
  await waitingFlow();
  FakeSocket.last.accept().says(welcome());
  expect(FakeSocket.last.sent.at(-1)).toEqual({ seq: expect.any(Number), type: 'request_help' });
  FakeSocket.last.says(call());
  const again = makeFlow();
  expect(await again.rejoin()).toBe(true);
});

test('tap, choice, check, line, call, end', async () => {
  const flow = makeFlow();
  const states: string[] = [];
  flow.addEventListener('change', () => flow.state !== states.at(-1) && states.push(flow.state));
  await flow.open();
  expect(flow.session?.answered_by).toBe('Lumen & Co. support');
  await flow.choose(true);
  await flow.join();
  FakeSocket.last.accept().says(welcome());
  expect(FakeSocket.last.sent.at(-1)).toMatchObject({
    type: 'request_help',
    consent: { recording: true, text_version: 'v1', language: 'de' },
  });
  FakeSocket.last.says(call({ state: 'waiting' })).says(call());
  expect(flow.state).toBe('call');
  FakeSocket.last.says(
    call({
      state: 'wrap_up',
      end_reason: 'agent_hung_up',
      ended_at: '2026-11-21T20:04:05Z',
      recording: 'on',
    }),
  );
  expect(states).toEqual(['loading', 'intro', 'check', 'waiting', 'call', 'ended']);
  expect(flow.end).toEqual({ reason: 'agent_hung_up', agent: 'Mina', durationMs: 185_000, recording: 'on' });
  expect(FakeSocket.last.closed).toBe(true);
});

test('a call that took place can be rated, with the token of the visit', async () => {
  const flow = await waitingFlow();
  FakeSocket.last.accept().says(welcome()).says(call());
  expect(flow.rating).toBeUndefined();
  FakeSocket.last.says(call({ state: 'wrap_up', end_reason: 'agent_hung_up' }));
  const sent = vi.fn(async (_url: string, _init: RequestInit) => Response.json({}));
  vi.stubGlobal('fetch', sent);
  flow.rating?.choose(4);
  flow.close();
  expect(sent.mock.calls[0]?.[0]).toBe(`${SERVER}/api/v1/calls/c1/rating`);
  expect(sent.mock.calls[0]?.[1]).toMatchObject({
    method: 'PUT',
    body: '{"stars":4}',
    credentials: 'omit',
    headers: { authorization: 'Bearer secret' },
  });
  expect(flow.rating).toBeUndefined();

  const left = await waitingFlow();
  FakeSocket.last
    .accept()
    .says(welcome())
    .says(call({ state: 'waiting', accepted_at: undefined as never }));
  left.leave();
  expect(left.rating).toBeUndefined();
});

test('nothing is kept in the browser before the buyer is in line, and nothing after the end', async () => {
  const flow = makeFlow();
  await flow.open();
  await flow.choose(false);
  expect(storage.size).toBe(0);
  await flow.join();
  expect([...storage.keys()]).toEqual([`vitrine:${SERVER}`]);
  FakeSocket.last.accept().says(welcome());
  flow.leave();
  expect(flow.end?.reason).toBe('left');
  expect(storage.size).toBe(0);
});

test('a reload comes back into the call without asking anything', async () => {
  const before = await waitingFlow();
  FakeSocket.last.accept().says(welcome()).says(call());
  before.suspend();

  const after = makeFlow();
  expect(await after.rejoin()).toBe(true);
  FakeSocket.last.accept();
  expect(FakeSocket.last.sent[0]).toMatchObject({ type: 'hello', session_token: 'secret' });
  FakeSocket.last.says(welcome({ call: call().call }));
  expect(after.state).toBe('call');
  expect(FakeSocket.last.types).not.toContain('request_help');
});

test('a reload after the call has ended says so and forgets it', async () => {
  const before = await waitingFlow();
  before.suspend();
  const after = makeFlow();
  await after.rejoin();
  FakeSocket.last.accept().says(welcome());
  expect(after.end?.reason).toBe('gone');
  expect(storage.size).toBe(0);
});

test('a visit that has run out is not taken up', async () => {
  storage.set(
    `vitrine:${SERVER}`,
    JSON.stringify({
      session: { ...session, expires_at: '2020-01-01T00:00:00Z' },
      consent: { recording: false },
    }),
  );
  expect(await makeFlow().rejoin()).toBe(false);
  storage.set(`vitrine:${SERVER}`, '{"session":3}');
  expect(await makeFlow().rejoin()).toBe(false);
});

test('a server that restarted while the buyer waits is asked for help again', async () => {
  const flow = await waitingFlow();
  FakeSocket.last.accept().says(welcome());
  FakeSocket.last.break();
  vi.advanceTimersByTime(250);
  FakeSocket.last.accept().says(welcome());
  expect(FakeSocket.last.types).toContain('request_help');
  expect(flow.state).toBe('waiting');
});

test('a call the restarted server does not know has ended', async () => {
  const flow = await waitingFlow();
  FakeSocket.last.accept().says(welcome()).says(call());
  FakeSocket.last.break();
  vi.advanceTimersByTime(250);
  FakeSocket.last.accept().says(welcome());
  expect(flow.end?.reason).toBe('server_stopped');
});

test('a visit that goes on in another tab ends here', async () => {
  const flow = await waitingFlow();
  FakeSocket.last.accept().says(welcome()).says(call());
  FakeSocket.last.break(4001);
  expect(flow.end?.reason).toBe('elsewhere');
});

test('hanging up does not depend on the server answering', async () => {
  const flow = await waitingFlow();
  FakeSocket.last.accept().says(welcome()).says(call());
  flow.leave();
  expect(FakeSocket.last.types.at(-1)).toBe('hang_up');
  expect(flow.state).toBe('call');
  vi.advanceTimersByTime(2_000);
  expect(flow.end?.reason).toBe('buyer_hung_up');
});

test('withdrawing tells the server and is remembered over a reload', async () => {
  const flow = await waitingFlow(true);
  FakeSocket.last
    .accept()
    .says(welcome())
    .says(call({ recording: 'on' }));
  flow.setConsent(false);
  expect(FakeSocket.last.sent.at(-1)).toMatchObject({ type: 'set_consent', consent: { recording: false } });
  expect(storage.get(`vitrine:${SERVER}`)).toContain('"recording":false');
});

test.each([
  [
    'a shop that gives no token',
    { '/token': () => new Response('no', { status: 403 }) },
    'errorToken',
    'token_403',
  ],
  ['a page instead of a token', { '/token': () => new Response('<html>') }, 'errorToken', 'token_200'],
  [
    'a token that was used before',
    {
      [`${SERVER}/api/v1/buyer-sessions`]: () =>
        Response.json(
          { type: '/problems/token_replayed', title: 'Used', status: 401, detail: '' },
          { status: 401 },
        ),
    },
    'errorExpired',
    'token_replayed',
  ],
  [
    'a wrong signature',
    {
      [`${SERVER}/api/v1/buyer-sessions`]: () =>
        Response.json(
          { type: '/problems/bad_signature', title: 'Wrong', status: 401, detail: '' },
          { status: 401 },
        ),
    },
    'errorRefused',
    'bad_signature',
  ],
  [
    'a proxy without its server',
    { [`${SERVER}/api/v1/buyer-sessions`]: () => new Response('', { status: 502 }) },
    'errorServer',
    'http-502',
  ],
] as const)('%s is explained', async (_, over, text, code) => {
  Object.assign(answers, over);
  const flow = makeFlow();
  await flow.open();
  expect(flow.state).toBe('error');
  expect(flow.error).toEqual({ text, code });
});

test('no network, and a page without a token address, are explained', async () => {
  answers = {};
  const offline = makeFlow();
  await offline.open();
  expect(offline.error?.text).toBe('errorNetwork');
  const unset = makeFlow({ tokenUrl: undefined });
  await unset.open();
  expect(unset.error?.text).toBe('errorSetup');
});

test('closing while the token is on its way is final', async () => {
  const flow = makeFlow();
  const opening = flow.open();
  flow.close();
  await opening;
  expect(flow.state).toBe('closed');
});

test('tokens come bare or in JSON; anything else is none', () => {
  expect(tokenOf(' a.b.c\n')).toBe('a.b.c');
  expect(tokenOf('{"token":"a.b.c"}')).toBe('a.b.c');
  expect(tokenOf('"a.b.c"')).toBe('a.b.c');
  expect(tokenOf('{"token":1}')).toBeUndefined();
  expect(tokenOf('{')).toBeUndefined();
  expect(tokenOf('<!doctype html>')).toBeUndefined();
});

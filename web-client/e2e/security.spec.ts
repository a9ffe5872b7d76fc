// What must not work, and says so in words.

import { createHmac } from 'node:crypto';
import type { Page } from '@playwright/test';
import type { ClientMessage, Problem, ServerMessage } from '../src/protocol.ts';
import { DESKTOP, profile } from './support/browsers.ts';
import { connect, expect, LOGINS, test } from './support/fixtures.ts';
import { Agent, Staff } from './support/people.ts';
import type { Vitrine } from './support/server.ts';

/** A token as the demo shop's server signs it for a product page. */
async function shopToken(vitrine: Vitrine): Promise<string> {
  const answer = await fetch(`${vitrine.url}/demo/token?sku=LAMP-01`);
  expect(answer.status).toBe(200);
  return (await answer.text()).trim();
}

async function startSession(vitrine: Vitrine, token: string | null): Promise<Response> {
  return fetch(`${vitrine.url}/api/v1/buyer-sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ language: 'de' }),
  });
}

async function expectProblem(answer: Response, status: number): Promise<Problem> {
  expect(answer.headers.get('content-type')).toContain('application/problem+json');
  const problem = (await answer.json()) as Problem;
  expect(answer.status, JSON.stringify(problem)).toBe(status);
  expect(problem).toMatchObject({ status, type: expect.stringContaining('/problems/') });
  expect(problem.detail.length).toBeGreaterThan(10);
  return problem;
}

/** Says things on a WebSocket of its own, as the page's person, and answers what came back until one of `until`. */
function talk(page: Page, says: ClientMessage[], until: ServerMessage['type'][]): Promise<ServerMessage[]> {
  return page.evaluate(
    ({ says, until }) =>
      new Promise((resolve, reject) => {
        const heard: ServerMessage[] = [];
        const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/api/v1/ws`);
        let seq = 0;
        const say = () => {
          const next = says[seq];
          if (next) socket.send(JSON.stringify({ seq: ++seq, ...next }));
        };
        socket.onopen = say;
        socket.onmessage = ({ data }) => {
          const message = JSON.parse(data);
          heard.push(message);
          if (until.includes(message.type)) {
            socket.close();
            resolve(heard);
          } else if (message.type === 'welcome') {
            while (seq < says.length) say();
          }
        };
        socket.onclose = () => (heard.length ? resolve(heard) : reject(new Error('closed without a word')));
        setTimeout(() => reject(new Error(`heard only ${JSON.stringify(heard)}`)), 10_000);
      }),
    { says, until },
  );
}

test('a token of the shop opens one session and no second one', async ({ vitrine }) => {
  const token = await shopToken(vitrine);
  expect((await startSession(vitrine, token)).ok).toBe(true);
  const replayed = await expectProblem(await startSession(vitrine, token), 401);
  expect(replayed.detail).toContain('already');
});

test('a token that is missing, nonsense, unsigned or changed opens none', async ({ vitrine }) => {
  await expectProblem(await startSession(vitrine, null), 401);
  await expectProblem(await startSession(vitrine, 'nonsense'), 401);

  const [header = '', payload = '', signature = ''] = (await shopToken(vitrine)).split('.');
  const json = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString());
  const pack = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const unsigned = [pack({ ...json(header), alg: 'none' }), payload, ''].join('.');
  await expectProblem(await startSession(vitrine, unsigned), 401);
  const later = { ...json(payload), exp: json(payload).exp + 3600 };
  await expectProblem(await startSession(vitrine, [header, pack(later), signature].join('.')), 401);
});

test('a token that has expired, or is good for too long, is named as such', async ({ vitrine }) => {
  const [header = '', payload = ''] = (await shopToken(vitrine)).split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
  const secret = await vitrine.shopSecret();
  const sign = (changed: object) => {
    const body = `${header}.${Buffer.from(JSON.stringify({ ...claims, ...changed })).toString('base64url')}`;
    return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
  };
  const hourAgo = Math.floor(Date.now() / 1000) - 3600;
  const expired = sign({ iat: hourAgo, exp: hourAgo + 300 });
  expect((await expectProblem(await startSession(vitrine, expired), 401)).detail).toMatch(/expired/i);
  await expectProblem(await startSession(vitrine, sign({ exp: claims.iat + 86_400 })), 401);
  // The same hand signs a right one: it is the times that were refused.
  expect((await startSession(vitrine, sign({ jti: 'another-visit' }))).ok).toBe(true);
});

test("a stranger's session token gets nobody into somebody else's call", async ({
  buyer,
  agent,
  vitrine,
}) => {
  await connect(buyer, agent, { record: false });
  const hello = (session_token: string): ClientMessage => ({ type: 'hello', version: 1, session_token });
  const wrong = await talk(buyer.page, [hello('not-a-session')], ['refused', 'welcome']);
  expect(wrong.at(-1)).toMatchObject({ type: 'refused', problem: { status: 401 } });

  // A good token of another buyer: it opens that buyer's own, empty visit and nothing of the running call.
  const session = await (await startSession(vitrine, await shopToken(vitrine))).json();
  const other = await talk(
    buyer.page,
    [hello(session.session_token), { type: 'chat', text: 'Let me in' }],
    ['problem', 'refused'],
  );
  expect(other.find(({ type }) => type === 'welcome')).not.toHaveProperty('call');
  expect(other.at(-1)).toMatchObject({ type: 'problem' });
  await expect(agent.page.getByText('Let me in')).toHaveCount(0);
  await buyer.expectToSeeAndHear('agent');
});

test('a ring can be answered by nobody but the agent it rings at, and a ticket is read by nobody else', async ({
  buyer,
  agent,
  agentBrowser,
  vitrine,
}) => {
  let ringing = '';
  agent.page.on('websocket', (socket) =>
    socket.on('framereceived', ({ payload }) => {
      const message = JSON.parse(String(payload)) as ServerMessage;
      if (message.type === 'ring') ringing = message.ring.call;
    }),
  );
  await agent.logIn(...LOGINS.agent);
  await agent.becomeAvailable();
  await buyer.openProduct();
  await buyer.askForHelp({ record: false });
  await expect(agent.the('ring')).toBeVisible();

  const context = await profile(agentBrowser, DESKTOP);
  const other = new Agent(await context.newPage(), vitrine);
  await other.logIn(...LOGINS.otherAgent);
  const heard = await talk(
    other.page,
    [
      { type: 'hello', version: 1 },
      { type: 'accept', call: ringing },
    ],
    ['problem'],
  );
  expect(heard.at(-1)).toMatchObject({ type: 'problem' });
  await agent.accept();
  await agent.expectToSeeAndHear('buyer');

  const own = await Staff.logIn(vitrine, ...LOGINS.agent);
  const ticket = (await own.get<{ items: { id: string }[] }>('/tickets')).items[0];
  const stranger = await Staff.logIn(vitrine, ...LOGINS.otherAgent);
  expect((await stranger.get<{ items: unknown[] }>('/tickets')).items).toEqual([]);
  for (const answer of [
    await stranger.api.get(`/api/v1/tickets/${ticket?.id}`),
    await stranger.api.get(`/api/v1/calls/${ringing}`),
    await stranger.api.put(`/api/v1/calls/${ringing}/wrap-up`, {
      data: { outcome: 'answered', notes: 'mine now' },
    }),
  ]) {
    expect([403, 404]).toContain(answer.status());
  }
  expect((await own.api.get('/api/v1/recordings')).status(), 'recordings are not for agents').toBe(403);
  await context.close();
});

import { afterEach, expect, test, vi } from 'vitest';

import { NetworkError, ProblemError, Rest } from './rest.ts';

afterEach(() => vi.unstubAllGlobals());

function answer(body: string, init: ResponseInit & { type?: string } = {}) {
  const fetched = vi.fn(
    async (_url: string, _init: RequestInit) =>
      new Response(init.status === 204 ? null : body, {
        ...init,
        headers: { 'content-type': init.type ?? 'application/json' },
      }),
  );
  vi.stubGlobal('fetch', fetched);
  return fetched;
}

test('it sends JSON with the bearer token to the versioned path', async () => {
  const fetched = answer('{"id":"b1"}');
  const got = await new Rest('https://help.test/', 'omit').post(
    '/buyer-sessions',
    { language: 'de' },
    { bearer: 'jwt' },
  );
  expect(got).toEqual({ id: 'b1' });
  const [url, init] = fetched.mock.calls[0] ?? [];
  expect(url).toBe('https://help.test/api/v1/buyer-sessions');
  expect(init).toMatchObject({ method: 'POST', body: '{"language":"de"}', credentials: 'omit' });
  expect(init?.headers).toMatchObject({ authorization: 'Bearer jwt' });
});

test('a problem comes out typed, with its code', async () => {
  const problem = {
    type: '/problems/token-replayed',
    title: 'Token used twice',
    status: 401,
    detail: 'Ask for a new one.',
  };
  answer(JSON.stringify(problem), { status: 401, type: 'application/problem+json' });
  const error = await new Rest().get('/me').catch((one: unknown) => one);
  expect(error).toBeInstanceOf(ProblemError);
  expect(error).toMatchObject({ code: 'token-replayed', problem, message: 'Ask for a new one.' });
});

test('an error page of a proxy becomes a problem too', async () => {
  answer('<h1>Bad gateway</h1>', { status: 502, statusText: 'Bad Gateway', type: 'text/html' });
  const error = await new Rest().get('/me').catch((one: unknown) => one);
  expect(error).toMatchObject({ code: 'http-502', problem: { status: 502, title: 'Bad Gateway' } });
});

test('no connection, or something that is no JSON, is a network error', async () => {
  vi.stubGlobal('fetch', async () => {
    throw new TypeError('failed to fetch');
  });
  await expect(new Rest().get('/me')).rejects.toBeInstanceOf(NetworkError);
  answer('hello');
  await expect(new Rest().get('/me')).rejects.toBeInstanceOf(NetworkError);
});

test('204 has no body', async () => {
  answer('', { status: 204 });
  await expect(new Rest().post('/logout')).resolves.toBeUndefined();
});

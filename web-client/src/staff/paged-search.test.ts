import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { Page, RecordingSummary } from '../protocol.ts';
import type { RecordingQuery } from '../replay/search/query.ts';
import { PagedSearch, TYPING_MS } from './paged-search.ts';

const EMPTY_QUERY: RecordingQuery = { ticket: '', agent: '', product: '' };
type RecordingSearch = PagedSearch<RecordingQuery, RecordingSummary>;

const row = (id: string): RecordingSummary => ({
  id,
  call: `call-${id}`,
  agent: 'Mina Okafor',
  queue: 'support',
  pauses: [],
  language: 'de',
  flags: [],
  started_at: '2026-01-01T00:00:00Z',
  duration_ms: 1_000,
  complete: true,
});

/** A server whose answers are given by hand, in any order. */
class Server {
  readonly asked: {
    query: RecordingQuery;
    before: string | undefined;
    answer: (page: Page<RecordingSummary>) => void;
    fail: (message: string) => void;
  }[] = [];

  find = (query: RecordingQuery, before?: string): Promise<Page<RecordingSummary>> =>
    new Promise((resolve, reject) => {
      this.asked.push({ query, before, answer: resolve, fail: (message) => reject(new Error(message)) });
    });
}

const ids = (search: RecordingSearch): string[] =>
  search.state.kind === 'rows' ? search.state.rows.map((found) => found.id) : [search.state.kind];

/** Lets the promises that are settled run on. */
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('the server is asked once the typing pauses, not for every letter', async () => {
  const server = new Server();
  const search = new PagedSearch(EMPTY_QUERY, server.find, () => {});
  for (const ticket of ['V', 'V-', 'V-1', 'V-10']) {
    search.type({ ...EMPTY_QUERY, ticket });
    await vi.advanceTimersByTimeAsync(TYPING_MS - 50);
  }
  expect(server.asked).toHaveLength(0);
  await vi.advanceTimersByTimeAsync(50);
  expect(server.asked.map((asked) => asked.query.ticket)).toEqual(['V-10']);
});

test('an answer that comes late does not replace the newer one', async () => {
  const server = new Server();
  const search = new PagedSearch(EMPTY_QUERY, server.find, () => {});
  void search.run({ ...EMPTY_QUERY, agent: 'm' });
  void search.run({ ...EMPTY_QUERY, agent: 'mina' });
  server.asked[1]?.answer({ items: [row('new')] });
  await settle();
  server.asked[0]?.answer({ items: [row('old')] });
  await settle();
  expect(ids(search)).toEqual(['new']);
});

test('pages follow one another without a row twice, up to the last', async () => {
  const server = new Server();
  const search = new PagedSearch(EMPTY_QUERY, server.find, () => {});
  void search.run();
  server.asked[0]?.answer({ items: [row('5'), row('4')], next: 'four' });
  await settle();
  void search.loadMore();
  void search.loadMore();
  expect(server.asked).toHaveLength(2);
  expect(server.asked[1]?.before).toBe('four');
  server.asked[1]?.answer({ items: [row('4'), row('3')] });
  await settle();
  expect(ids(search)).toEqual(['5', '4', '3']);
  expect(search.state).toMatchObject({ more: { kind: 'none' } });
});

test('a page that fails leaves the rows and can be asked for again', async () => {
  const server = new Server();
  const search = new PagedSearch(EMPTY_QUERY, server.find, () => {});
  void search.run();
  server.asked[0]?.answer({ items: [row('2')], next: 'two' });
  await settle();
  void search.loadMore();
  server.asked[1]?.fail('The server cannot be reached.');
  await settle();
  expect(search.state).toMatchObject({ more: { kind: 'failed', message: 'The server cannot be reached.' } });
  void search.loadMore();
  server.asked[2]?.answer({ items: [row('1')] });
  await settle();
  expect(ids(search)).toEqual(['2', '1']);
});

test('a search that fails says so, and the next one can succeed', async () => {
  const server = new Server();
  const search = new PagedSearch(EMPTY_QUERY, server.find, () => {});
  void search.run();
  server.asked[0]?.fail('Your role may not see recordings.');
  await settle();
  expect(search.state).toEqual({ kind: 'failed', message: 'Your role may not see recordings.' });
  void search.run();
  expect(search.state).toEqual({ kind: 'loading' });
  server.asked[1]?.answer({ items: [] });
  await settle();
  expect(ids(search)).toEqual([]);
});

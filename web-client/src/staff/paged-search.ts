/** State of a search: query, rows so far, paging. No UI; the request is passed in. */
import type { Page } from '../protocol.ts';

/** What the list shows. */
export type SearchState<Row> =
  | { readonly kind: 'loading' }
  | { readonly kind: 'rows'; readonly rows: readonly Row[]; readonly more: SearchMore }
  | { readonly kind: 'failed'; readonly message: string };

/** Whether there are more rows and what became of asking for them. */
export type SearchMore =
  | { readonly kind: 'none' }
  | { readonly kind: 'some' }
  | { readonly kind: 'loading' }
  | { readonly kind: 'failed'; readonly message: string };

/** Waiting after a key press before the server is asked, ms. */
export const TYPING_MS = 250;

/** Asks the server. */
export type Find<Query, Row> = (query: Query, before?: string) => Promise<Page<Row>>;

export class PagedSearch<Query, Row extends { readonly id: string }> {
  state: SearchState<Row> = { kind: 'loading' };
  query: Query;
  readonly #find: Find<Query, Row>;
  readonly #onChange: () => void;
  #next: string | undefined;
  /** Counts requests: only the answer to the latest one counts. */
  #turn = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(query: Query, find: Find<Query, Row>, onChange: () => void) {
    this.query = query;
    this.#find = find;
    this.#onChange = onChange;
  }

  /** Searches when the typing pauses. */
  type(query: Query): void {
    this.query = query;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.run(query), TYPING_MS);
  }

  /** Searches now. Rows already there stay until the new ones come. */
  async run(query: Query = this.query): Promise<void> {
    clearTimeout(this.#timer);
    this.query = query;
    this.#turn += 1;
    const turn = this.#turn;
    if (this.state.kind !== 'rows') {
      this.#set({ kind: 'loading' });
    }
    try {
      const page = await this.#find(query);
      if (turn === this.#turn) {
        this.#next = page.next;
        this.#set({
          kind: 'rows',
          rows: page.items,
          more: { kind: page.next === undefined ? 'none' : 'some' },
        });
      }
    } catch (error) {
      if (turn === this.#turn) {
        this.#set({ kind: 'failed', message: messageOf(error) });
      }
    }
  }

  /** The next page below the rows that are there. */
  async loadMore(): Promise<void> {
    const state = this.state;
    if (state.kind !== 'rows' || this.#next === undefined || state.more.kind === 'loading') {
      return;
    }
    const turn = this.#turn;
    this.#set({ ...state, more: { kind: 'loading' } });
    try {
      const page = await this.#find(this.query, this.#next);
      if (turn === this.#turn) {
        this.#next = page.next;
        // A recording that was made meanwhile moves the pages: no row twice.
        const known = new Set(state.rows.map((row) => row.id));
        const rows = [...state.rows, ...page.items.filter((row) => !known.has(row.id))];
        this.#set({ kind: 'rows', rows, more: { kind: page.next === undefined ? 'none' : 'some' } });
      }
    } catch (error) {
      if (turn === this.#turn) {
        this.#set({ ...state, more: { kind: 'failed', message: messageOf(error) } });
      }
    }
  }

  /** Forgets pending work. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#turn += 1;
  }

  #set(state: SearchState<Row>): void {
    this.state = state;
    this.#onChange();
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'The search did not work.';
}

/** State of the search for recordings: filters, rows so far, paging. No UI; time and the request are passed in. */
import type { Page, RecordingSummary } from '../../protocol.ts';
import type { RecordingQuery } from '../../staff/api.ts';

/** What the list shows. */
export type SearchState =
  | { readonly kind: 'loading' }
  | { readonly kind: 'rows'; readonly rows: readonly RecordingSummary[]; readonly more: SearchMore }
  | { readonly kind: 'failed'; readonly message: string };

/** Whether there are more rows and what became of asking for them. */
export type SearchMore =
  | { readonly kind: 'none' }
  | { readonly kind: 'some' }
  | { readonly kind: 'loading' }
  | { readonly kind: 'failed'; readonly message: string };

export const EMPTY_QUERY: RecordingQuery = { ticket: '', agent: '', product: '' };

/** Waiting after a key press before the server is asked, ms. */
export const TYPING_MS = 250;

/** Asks the server. */
export type FindRecordings = (query: RecordingQuery, before?: string) => Promise<Page<RecordingSummary>>;

export class RecordingSearch {
  state: SearchState = { kind: 'loading' };
  query: RecordingQuery = EMPTY_QUERY;
  readonly #find: FindRecordings;
  readonly #onChange: () => void;
  #next: string | undefined;
  /** Counts requests: only the answer to the latest one counts. */
  #turn = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(find: FindRecordings, onChange: () => void) {
    this.#find = find;
    this.#onChange = onChange;
  }

  /** Searches when the typing pauses. */
  type(query: RecordingQuery): void {
    this.query = query;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.run(query), TYPING_MS);
  }

  /** Searches now. Rows already there stay until the new ones come. */
  async run(query: RecordingQuery = this.query): Promise<void> {
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

  #set(state: SearchState): void {
    this.state = state;
    this.#onChange();
  }
}

/** Whether any filter is set. */
export function filtered(query: RecordingQuery): boolean {
  return Object.values(query).some((value: string) => value.trim() !== '');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'The search did not work.';
}

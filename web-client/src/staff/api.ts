/** The REST API as staff use it: typed calls with the session cookie, every failure an {@link ApiError}. */
import type {
  Login,
  Me,
  Outcome,
  Page,
  Problem,
  Recording,
  RecordingSummary,
  Ticket,
  WrapUp,
} from '../protocol.ts';

/** A request that failed; `message` is for people and says what to do. */
export class ApiError extends Error {
  /** HTTP status; 0 when the server was not reached. */
  readonly status: number;
  /** What the server said, when it said something. */
  readonly problem: Partial<Problem> | undefined;

  constructor(status: number, message: string, problem?: Partial<Problem>) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.problem = problem;
  }
}

/** What a reviewer looks for; empty fields do not count. */
export interface RecordingQuery {
  readonly ticket: string;
  readonly agent: string;
  readonly product: string;
}

/** Rows of one page of a list. */
export const PAGE_LIMIT = 25;

export const api = {
  me: (): Promise<Me> => request('GET', '/me'),
  login: (login: Login): Promise<Me> => request('POST', '/login', login),
  logout: (): Promise<void> => request('POST', '/logout'),
  outcomes: (): Promise<Outcome[]> => request('GET', '/outcomes'),
  tickets: (search: string, before?: string): Promise<Page<Ticket>> =>
    request('GET', `/tickets${query({ q: search, limit: String(PAGE_LIMIT), before })}`),
  ticket: (id: string): Promise<Ticket> => request('GET', `/tickets/${encodeURIComponent(id)}`),
  wrapUp: (call: string, wrapUp: WrapUp): Promise<Ticket> =>
    request('PUT', `/calls/${encodeURIComponent(call)}/wrap-up`, wrapUp),
  recordings: (search: RecordingQuery, before?: string): Promise<Page<RecordingSummary>> =>
    request('GET', `/recordings${query({ ...search, limit: String(PAGE_LIMIT), before })}`),
  recording: (id: string): Promise<Recording> => request('GET', `/recordings/${encodeURIComponent(id)}`),
};

/** The query string of the fields that say something. */
function query(fields: Record<string, string | undefined>): string {
  const said = Object.entries(fields).flatMap(([name, value]): [string, string][] => {
    const text = value?.trim() ?? '';
    return text === '' ? [] : [[name, text]];
  });
  return said.length === 0 ? '' : `?${new URLSearchParams(said)}`;
}

async function request<T>(method: string, path: string, body?: unknown): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, {
      method,
      credentials: 'same-origin',
      headers: {
        Accept: 'application/json',
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  } catch {
    throw new ApiError(0, 'The server cannot be reached. Check your connection and try again.');
  }
  if (!response.ok) {
    const problem = await readProblem(response);
    throw new ApiError(
      response.status,
      problem?.detail ?? problem?.title ?? `The server answered ${response.status}. Try again in a moment.`,
      problem,
    );
  }
  if (response.status === 204) {
    return undefined as T;
  }
  try {
    return (await response.json()) as T;
  } catch {
    throw new ApiError(502, 'The server sent an answer that cannot be read. Try again in a moment.');
  }
}

async function readProblem(response: Response): Promise<Partial<Problem> | undefined> {
  try {
    return (await response.json()) as Partial<Problem>;
  } catch {
    return undefined;
  }
}

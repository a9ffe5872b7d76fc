/** The REST API: JSON in and out, every failure a typed error. */
import type { Problem } from '../protocol.ts';

/** The server answered, with a problem (RFC 9457). */
export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail || problem.title);
    this.name = 'ProblemError';
    this.problem = problem;
  }

  /** The last part of the problem's type: `/problems/token-expired` → `token-expired`. */
  get code(): string {
    return problemCode(this.problem);
  }
}

/** No answer: offline, wrong address, blocked by the browser, or too slow. */
export class NetworkError extends Error {
  constructor(cause: unknown) {
    super('The server could not be reached.', { cause });
    this.name = 'NetworkError';
  }
}

/** The stable code of a problem. */
export function problemCode(problem: Problem): string {
  return problem.type.split('/').at(-1) ?? problem.type;
}

/** Milliseconds without an answer after which a request counts as failed. */
const TIMEOUT_MS = 15_000;

export interface RequestOptions {
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as `Authorization: Bearer`. */
  bearer?: string;
  signal?: AbortSignal;
}

/** A client for the API of one server. */
export class Rest {
  readonly #base: string;
  readonly #credentials: RequestCredentials;

  /**
   * @param server origin, `''` for the page's own
   * @param credentials `same-origin` for staff (cookie), `omit` for buyers (bearer tokens only)
   */
  constructor(server = '', credentials: RequestCredentials = 'same-origin') {
    this.#base = `${server.replace(/\/+$/, '')}/api/v1`;
    this.#credentials = credentials;
  }

  /** @throws {ProblemError | NetworkError} */
  get<T>(path: string, options: RequestOptions = {}): Promise<T> {
    return this.request<T>('GET', path, options);
  }

  /** @throws {ProblemError | NetworkError} */
  post<T>(path: string, body?: unknown, options: RequestOptions = {}): Promise<T> {
    return this.request<T>('POST', path, { ...options, body });
  }

  /** @throws {ProblemError | NetworkError} */
  put<T>(path: string, body: unknown, options: RequestOptions = {}): Promise<T> {
    return this.request<T>('PUT', path, { ...options, body });
  }

  /** @throws {ProblemError | NetworkError} */
  async request<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
    const headers: Record<string, string> = { accept: 'application/json, application/problem+json' };
    if (options.body !== undefined) headers['content-type'] = 'application/json';
    if (options.bearer) headers.authorization = `Bearer ${options.bearer}`;
    const response = await fetchWithTimeout(`${this.#base}${path}`, {
      method,
      headers,
      credentials: this.#credentials,
      cache: 'no-store',
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      ...(options.signal ? { signal: options.signal } : {}),
    });
    if (!response.ok) throw new ProblemError(await problemOf(response));
    if (response.status === 204) return undefined as T;
    try {
      return (await response.json()) as T;
    } catch (cause) {
      throw new NetworkError(cause);
    }
  }
}

/** `fetch` that gives up after {@link TIMEOUT_MS} and fails with {@link NetworkError} only (or the caller's abort). */
export async function fetchWithTimeout(url: string, init: RequestInit): Promise<Response> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), TIMEOUT_MS);
  const onAbort = () => timeout.abort();
  init.signal?.addEventListener('abort', onAbort);
  try {
    return await fetch(url, { ...init, signal: timeout.signal });
  } catch (cause) {
    if (init.signal?.aborted) throw cause;
    throw new NetworkError(cause);
  } finally {
    clearTimeout(timer);
    init.signal?.removeEventListener('abort', onAbort);
  }
}

/** The problem a failed answer carries; made up from the status when it carries none (a proxy's error page, say). */
export async function problemOf(response: Response): Promise<Problem> {
  const fallback: Problem = {
    type: `/problems/http-${response.status}`,
    title: response.statusText || `HTTP ${response.status}`,
    status: response.status,
    detail: '',
  };
  if (!/json/.test(response.headers.get('content-type') ?? '')) return fallback;
  const body: unknown = await response.json().catch(() => undefined);
  if (typeof body !== 'object' || body === null) return fallback;
  const given = body as Partial<Record<keyof Problem, unknown>>;
  const text = (value: unknown, or: string) => (typeof value === 'string' ? value : or);
  return {
    type: text(given.type, fallback.type),
    title: text(given.title, fallback.title),
    status: typeof given.status === 'number' ? given.status : fallback.status,
    detail: text(given.detail, ''),
    ...(typeof given.field === 'string' ? { field: given.field } : {}),
  };
}

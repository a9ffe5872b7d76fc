/** The REST API as staff use it: typed calls with the session cookie, every failure an {@link ApiError}. */

import type {
  ConsentText,
  Facets,
  Flag,
  Login,
  Me,
  NewSample,
  NewSavedFilter,
  Outcome,
  Page,
  Person,
  Problem,
  QueueInfo,
  Recording,
  RecordingSummary,
  ReplayTimeline,
  Sample,
  SampleChange,
  SampleDraw,
  SampleItem,
  SamplePlace,
  SavedFilter,
  Ticket,
  WrapUp,
} from '../protocol.ts';
import type { RecordingQuery } from '../replay/search/query.ts';
import { ProblemError, Rest } from '../session/rest.ts';

/** A request that failed; `message` is for people and says what to do. */
export class ApiError extends Error {
  /** HTTP status; 0 when the server was not reached. */
  readonly status: number;
  /** What the server said, when it said something. */
  readonly problem: Problem | undefined;

  constructor(status: number, message: string, problem?: Problem) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.problem = problem;
  }
}

/** Rows of one page of a list. */
export const PAGE_LIMIT = 25;

/** The client behind {@link api}, for the APIs of single areas. */
export const rest = new Rest();

export const api = {
  me: (): Promise<Me> => say(rest.get('/me')),
  login: (login: Login): Promise<Me> => say(rest.post('/login', login)),
  logout: (): Promise<void> => say(rest.post('/logout')),
  outcomes: (): Promise<Outcome[]> => say(rest.get('/outcomes')),
  ownConsent: (language: string): Promise<ConsentText> => say(rest.get(`/own-consent${query({ language })}`)),
  queues: (): Promise<QueueInfo[]> => say(rest.get('/queues')),
  tickets: (search: string, before?: string): Promise<Page<Ticket>> =>
    say(rest.get(`/tickets${query({ q: search, limit: String(PAGE_LIMIT), before })}`)),
  ticket: (id: string): Promise<Ticket> => say(rest.get(`/tickets/${encodeURIComponent(id)}`)),
  wrapUp: (call: string, wrapUp: WrapUp): Promise<Ticket> =>
    say(rest.put(`/calls/${encodeURIComponent(call)}/wrap-up`, wrapUp)),
  recordings: (search: RecordingQuery, before?: string): Promise<Page<RecordingSummary>> =>
    say(rest.get(`/recordings${query({ ...search, zone: zone(), limit: String(PAGE_LIMIT), before })}`)),
  facets: (search: RecordingQuery): Promise<Facets> =>
    say(rest.get(`/recordings/facets${query({ ...search, zone: zone() })}`)),
  setFlag: (call: string, flag: Flag, on: boolean): Promise<void> =>
    say(rest.request(on ? 'PUT' : 'DELETE', `/calls/${encodeURIComponent(call)}/flags/${flag}`)),
  savedFilters: (): Promise<SavedFilter[]> => say(rest.get('/saved-filters')),
  saveFilter: (filter: NewSavedFilter): Promise<SavedFilter> => say(rest.post('/saved-filters', filter)),
  changeSavedFilter: (id: string, filter: NewSavedFilter): Promise<SavedFilter> =>
    say(rest.put(`/saved-filters/${encodeURIComponent(id)}`, filter)),
  deleteSavedFilter: (id: string): Promise<void> =>
    say(rest.request('DELETE', `/saved-filters/${encodeURIComponent(id)}`)),
  restoreSavedFilter: (id: string): Promise<SavedFilter> =>
    say(rest.post(`/saved-filters/${encodeURIComponent(id)}/restore`)),
  setDefaultFilter: (id: string, on: boolean): Promise<void> =>
    say(rest.request(on ? 'PUT' : 'DELETE', `/saved-filters/${encodeURIComponent(id)}/default`)),
  samples: (): Promise<Sample[]> => say(rest.get('/samples')),
  sample: (id: string): Promise<Sample> => say(rest.get(`/samples/${encodeURIComponent(id)}`)),
  reviewers: (): Promise<Person[]> => say(rest.get('/review/reviewers')),
  previewSample: (sample: NewSample): Promise<SampleDraw> =>
    say(rest.post('/samples/preview', { ...sample, zone: zone() })),
  makeSample: (sample: NewSample): Promise<Sample> => say(rest.post('/samples', { ...sample, zone: zone() })),
  changeSample: (id: string, change: SampleChange): Promise<Sample> =>
    say(rest.put(`/samples/${encodeURIComponent(id)}`, change)),
  resample: (id: string): Promise<Sample> => say(rest.post(`/samples/${encodeURIComponent(id)}/resample`)),
  deleteSample: (id: string): Promise<void> =>
    say(rest.request('DELETE', `/samples/${encodeURIComponent(id)}`)),
  restoreSample: (id: string): Promise<Sample> =>
    say(rest.post(`/samples/${encodeURIComponent(id)}/restore`)),
  sampleItems: (id: string): Promise<SampleItem[]> =>
    say(rest.get(`/samples/${encodeURIComponent(id)}/items`)),
  samplePlace: (id: string, recording: string): Promise<SamplePlace> =>
    say(rest.get(`/samples/${encodeURIComponent(id)}/items/${encodeURIComponent(recording)}`)),
  setReviewed: (id: string, recording: string, reviewed: boolean): Promise<SamplePlace> =>
    say(rest.put(`/samples/${encodeURIComponent(id)}/items/${encodeURIComponent(recording)}`, { reviewed })),
  recording: (id: string): Promise<Recording> => say(rest.get(`/recordings/${encodeURIComponent(id)}`)),
  recordingTimeline: (id: string): Promise<ReplayTimeline> =>
    say(rest.get(`/recordings/${encodeURIComponent(id)}/timeline`)),
};

/** Where days begin for whoever looks at the page. */
function zone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** The query string of the fields that say something. */
export function query(fields: Record<string, string | undefined>): string {
  const said = Object.entries(fields).flatMap(([name, value]): [string, string][] => {
    const text = value?.trim() ?? '';
    return text === '' ? [] : [[name, text]];
  });
  return said.length === 0 ? '' : `?${new URLSearchParams(said)}`;
}

/** Turns every failure into words for people. */
export async function say<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ProblemError) {
      const { problem } = error;
      const words = problem.detail || problem.title || `The server answered ${problem.status}`;
      throw new ApiError(problem.status, sentence(words), problem);
    }
    throw new ApiError(0, 'The server cannot be reached. Check your connection and try again.');
  }
}

/** Problems are written as clauses ("check the password"); on a page they stand alone. */
function sentence(words: string): string {
  const first = words.charAt(0).toLocaleUpperCase() + words.slice(1);
  return /[.!?…]$/.test(first) ? first : `${first}.`;
}

/** The REST API of quality review, as the replay console uses it. */
import type {
  Answers,
  Calibration,
  DisputeRow,
  DraftSaved,
  FormDraft,
  NewComment,
  NewDispute,
  NewForm,
  NewRevision,
  Page,
  Person,
  Review,
  ReviewBoard,
  ReviewForm,
  ReviewSummary,
  SecondScore,
  TimelineComment,
} from '../../protocol.ts';
import { PAGE_LIMIT, query, rest, say } from '../../staff/api.ts';

const part = encodeURIComponent;
const limit = String(PAGE_LIMIT);

export const reviewApi = {
  forms: (): Promise<ReviewForm[]> => say(rest.get('/review/forms')),
  form: (id: string): Promise<ReviewForm> => say(rest.get(`/review/forms/${part(id)}`)),
  addForm: (form: NewForm): Promise<ReviewForm> => say(rest.post('/review/forms', form)),
  saveForm: (id: string, draft: FormDraft): Promise<ReviewForm> =>
    say(rest.put(`/review/forms/${part(id)}/draft`, draft)),
  discardForm: (id: string): Promise<void> => say(rest.request('DELETE', `/review/forms/${part(id)}/draft`)),
  publishForm: (id: string, revision: number): Promise<ReviewForm> =>
    say(rest.post(`/review/forms/${part(id)}/publish`, { revision })),
  archiveForm: (id: string, archived: boolean): Promise<ReviewForm> =>
    say(rest.put(`/review/forms/${part(id)}/archived`, { archived })),
  duplicateForm: (id: string): Promise<ReviewForm> => say(rest.post(`/review/forms/${part(id)}/duplicate`)),

  board: (recording: string): Promise<ReviewBoard> => say(rest.get(`/recordings/${part(recording)}/reviews`)),
  begin: (recording: string, version: string): Promise<Review> =>
    say(rest.post(`/recordings/${part(recording)}/reviews`, { form_version: version })),
  calibration: (recording: string): Promise<Calibration[]> =>
    say(rest.get(`/recordings/${part(recording)}/calibration`)),
  reviews: (before?: string): Promise<Page<ReviewSummary>> =>
    say(rest.get(`/reviews${query({ limit, before })}`)),
  mine: (before?: string): Promise<Page<ReviewSummary>> =>
    say(rest.get(`/my-reviews${query({ limit, before })}`)),
  review: (id: string): Promise<Review> => say(rest.get(`/reviews/${part(id)}`)),
  saveDraft: (id: string, answers: Answers): Promise<DraftSaved> =>
    say(rest.put(`/reviews/${part(id)}/draft`, answers)),
  discard: (id: string): Promise<void> => say(rest.request('DELETE', `/reviews/${part(id)}`)),
  submit: (id: string, answers: Answers): Promise<Review> =>
    say(rest.post(`/reviews/${part(id)}/submit`, answers)),
  revise: (id: string, revision: NewRevision): Promise<Review> =>
    say(rest.post(`/reviews/${part(id)}/revisions`, revision)),

  dispute: (id: string, dispute: NewDispute): Promise<Review> =>
    say(rest.post(`/reviews/${part(id)}/dispute`, dispute)),
  disputes: (): Promise<DisputeRow[]> => say(rest.get('/disputes')),
  accept: (dispute: string, revision: NewRevision): Promise<Review> =>
    say(rest.post(`/disputes/${part(dispute)}/accept`, revision)),
  reject: (dispute: string, reason: string): Promise<Review> =>
    say(rest.post(`/disputes/${part(dispute)}/reject`, { reason })),
  withdraw: (dispute: string): Promise<Review> => say(rest.post(`/disputes/${part(dispute)}/withdraw`)),

  reviewers: (): Promise<Person[]> => say(rest.get('/review/reviewers')),
  askSecond: (review: string, reviewer?: string): Promise<SecondScore> =>
    say(rest.post(`/reviews/${part(review)}/second`, reviewer === undefined ? {} : { reviewer })),
  seconds: (): Promise<SecondScore[]> => say(rest.get('/second-scores')),
  sampleSeconds: (percent: number, days: number): Promise<SecondScore[]> =>
    say(rest.post('/second-scores/sample', { percent, days })),
  startSecond: (id: string): Promise<Review> => say(rest.post(`/second-scores/${part(id)}/start`)),
  cancelSecond: (id: string): Promise<void> => say(rest.request('DELETE', `/second-scores/${part(id)}`)),

  comments: (recording: string): Promise<TimelineComment[]> =>
    say(rest.get(`/recordings/${part(recording)}/comments`)),
  addComment: (recording: string, comment: NewComment): Promise<TimelineComment> =>
    say(rest.post(`/recordings/${part(recording)}/comments`, comment)),
  editComment: (id: string, comment: NewComment): Promise<TimelineComment> =>
    say(rest.put(`/comments/${part(id)}`, comment)),
  deleteComment: (id: string): Promise<void> => say(rest.request('DELETE', `/comments/${part(id)}`)),
  restoreComment: (id: string): Promise<TimelineComment> => say(rest.post(`/comments/${part(id)}/restore`)),
  resolveComment: (id: string, resolved: boolean): Promise<TimelineComment> =>
    say(rest.put(`/comments/${part(id)}/resolved`, { resolved })),
};

/**
 * Address of the scores of some days (`2026-11-30`, both included, either may be empty) as a file; `why` goes into the
 * audit log.
 */
export function exportHref(from: string, to: string, why: string): string {
  return `/api/v1/reviews.csv${query({ from, to, why: why.trim() })}`;
}

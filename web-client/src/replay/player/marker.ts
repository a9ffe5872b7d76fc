/** What the timeline points at besides time: comments, bookmarks, and whatever else is worth a look. */
export interface TimelineMarker {
  /** Names it in `replay-marker`. */
  readonly id: string;
  /** Where it is or begins, ms of session time. */
  readonly atMs: number;
  /** Where it ends, when it is a stretch; not before `atMs`. */
  readonly endMs?: number;
  /** What it is; decides the look. */
  readonly kind: 'comment' | 'bookmark' | 'score' | 'event';
  /** Said when the pointer rests on it. */
  readonly label: string;
}

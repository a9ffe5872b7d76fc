/** Comments on the timeline, as plain data. */
import type { NewComment, TimelineComment } from '../../protocol.ts';
import { clockTime } from '../../staff/format.ts';
import type { TimelineMarker } from '../player/marker.ts';

/** Longest label on the timeline, characters. */
const LABEL_MAX = 80;

/** The markers that comments put on the timeline; settled ones are not looked for any more. */
export function markersOf(comments: readonly TimelineComment[]): TimelineMarker[] {
  return comments
    .filter(({ resolved_by }) => resolved_by === undefined)
    .map(({ id, kind, at_ms, end_ms, text, author }) => ({
      id,
      kind,
      atMs: at_ms,
      ...(end_ms === undefined ? {} : { endMs: end_ms }),
      label: `${author.name}: ${shortened(text || (kind === 'bookmark' ? 'Bookmark' : 'Comment'))}`,
    }));
}

/** The list with one comment new or changed, in order of time. */
export function withComment(
  comments: readonly TimelineComment[],
  comment: TimelineComment,
): TimelineComment[] {
  const others = comments.filter(({ id }) => id !== comment.id);
  return [...others, comment].sort((a, b) => a.at_ms - b.at_ms || a.id.localeCompare(b.id));
}

/** `1:05` or `1:05–1:20`. */
export function placeOf({ at_ms, end_ms }: Pick<NewComment, 'at_ms' | 'end_ms'>): string {
  return end_ms === undefined ? clockTime(at_ms) : `${clockTime(at_ms)}–${clockTime(end_ms)}`;
}

/** The comment with another end: a stretch when it comes after the beginning, turned round when before, none when equal. */
export function withEnd<T extends Pick<NewComment, 'at_ms' | 'end_ms'>>(comment: T, ms: number): T {
  const end = Math.round(ms);
  const { end_ms: _, ...rest } = comment;
  if (end === comment.at_ms) return rest as T;
  return end > comment.at_ms
    ? ({ ...rest, end_ms: end } as T)
    : ({ ...rest, at_ms: end, end_ms: comment.at_ms } as T);
}

function shortened(text: string): string {
  return text.length <= LABEL_MAX ? text : `${text.slice(0, LABEL_MAX - 1)}…`;
}

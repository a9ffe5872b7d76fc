/** What the filters offer, and their values in words. No UI. */
import type { Facet, Facets, Flag, Outcome } from '../../protocol.ts';
import { codeWords, countryName, languageName } from '../../staff/format.ts';
import { changed, type Field, listOf, type RecordingQuery } from './query.ts';

export interface Choice {
  readonly value: string;
  readonly label: string;
}

export const PERIODS: readonly Choice[] = [
  { value: 'today', label: 'Today' },
  { value: 'yesterday', label: 'Yesterday' },
  { value: 'last_7_days', label: 'Last 7 days' },
  { value: 'last_30_days', label: 'Last 30 days' },
  { value: 'this_week', label: 'This week' },
  { value: 'last_week', label: 'Last week' },
  { value: 'this_month', label: 'This month' },
  { value: 'last_month', label: 'Last month' },
];

export const SORTS: readonly Choice[] = [
  { value: 'newest', label: 'Newest first' },
  { value: 'oldest', label: 'Oldest first' },
  { value: 'longest', label: 'Longest first' },
  { value: 'shortest', label: 'Shortest first' },
  { value: 'lowest_csat', label: 'Lowest rating first' },
  { value: 'lowest_score', label: 'Lowest score first' },
];

/** A choice that stands for a range: `min-max`, either of which may be missing. */
export const RATINGS: readonly Choice[] = [
  { value: '-1', label: '1 star' },
  { value: '-2', label: '2 stars or fewer' },
  { value: '-3', label: '3 stars or fewer' },
  { value: '4-', label: '4 stars or more' },
  { value: '5-', label: '5 stars' },
  { value: '1-', label: 'Rated at all' },
];

/** Of a reviewer's score, percent. */
export const SCORES: readonly Choice[] = [
  { value: '-59', label: 'Under 60 %' },
  { value: '60-79', label: '60 to 79 %' },
  { value: '80-', label: '80 % or more' },
  { value: '0-', label: 'Scored at all' },
];

export const LENGTHS: readonly Choice[] = [
  { value: '-59', label: 'Under 1 minute' },
  { value: '60-299', label: '1 to 5 minutes' },
  { value: '300-899', label: '5 to 15 minutes' },
  { value: '900-', label: '15 minutes or more' },
  { value: '1800-', label: '30 minutes or more' },
];

export const FLAGS: Readonly<
  Record<Flag, { label: string; tone: 'danger' | 'warn' | 'accent' | 'neutral' }>
> = {
  complaint: { label: 'Complaint', tone: 'danger' },
  comment: { label: 'Buyer’s comment', tone: 'accent' },
  paused: { label: 'Paused', tone: 'neutral' },
  noted: { label: 'Notes', tone: 'neutral' },
  legal_hold: { label: 'Legal hold', tone: 'warn' },
  withheld: { label: 'Consent withdrawn', tone: 'danger' },
};

/** The flags that somebody can search by: holds are for those who may place them, or stand in the address already. */
export function searchableFlags(seesHolds: boolean, chosen: readonly string[]): Flag[] {
  const all = Object.keys(FLAGS) as Flag[];
  return all.filter((flag) => flag !== 'legal_hold' || seesHolds || chosen.includes(flag));
}

/** Fields that come in pairs, `…_min` and `…_max`. */
export type Range = 'csat' | 'score' | 'duration';

/** The range of two fields as a choice's value; empty when neither is said. */
export function rangeOf(query: RecordingQuery, name: Range): string {
  const [min, max] = [query[`${name}_min`] ?? '', query[`${name}_max`] ?? ''];
  return min === '' && max === '' ? '' : `${min}-${max}`;
}

/** The query with both ends of a range as a choice says. */
export function withRange(query: RecordingQuery, name: Range, value: string): RecordingQuery {
  const [min = '', max = ''] = value.split('-');
  return changed(query, { [`${name}_min`]: min, [`${name}_max`]: max });
}

/** What the server found for a field, and what is chosen even when it was not found. */
export function offered(
  facets: readonly Facet[],
  chosen: string | undefined,
  words: (value: string) => string,
): Choice[] {
  const found = facets.map(({ value, label, count }) => ({
    value,
    label: `${label ?? words(value)} (${count})`,
  }));
  const known = (value: string) => facets.some((facet) => facet.value.toLowerCase() === value.toLowerCase());
  if (!chosen || known(chosen)) return found;
  return [
    {
      value: chosen,
      label: listOf(chosen)
        .map((one) => words(one))
        .join(', '),
    },
    ...found,
  ];
}

/** Everything that is needed to put a filter into words. */
export interface Words {
  readonly facets: Facets | undefined;
  readonly outcomes: readonly Outcome[];
}

/** A filter that is set: what taking it away changes, and how it reads. */
export interface Chip {
  readonly fields: readonly Field[];
  readonly label: string;
}

/** The filters of a query that are set (but the words), for a line of chips. */
export function chips(query: RecordingQuery, words: Words): Chip[] {
  const all: Chip[] = [];
  const put = (label: string, ...fields: Field[]) => all.push({ fields, label });
  const many = (value: string, name: (one: string) => string) =>
    listOf(value)
      .map((one) => name(one))
      .join(' or ');
  if (query.ticket) put(`Ticket ${query.ticket}`, 'ticket');
  if (query.period) put(nameOf(PERIODS, query.period), 'period');
  if (query.from || query.to) put(datesWords(query.from, query.to), 'from', 'to');
  if (query.agent)
    put(
      many(query.agent, (one) => agentName(one, words.facets)),
      'agent',
    );
  if (query.queue)
    put(
      many(query.queue, (one) => queueName(one, words.facets)),
      'queue',
    );
  if (query.market) put(many(query.market, countryName), 'market');
  if (query.language) put(many(query.language, languageName), 'language');
  if (query.product) put(`Product “${query.product}”`, 'product');
  if (query.outcome)
    put(
      many(query.outcome, (one) => outcomeName(one, words.outcomes)),
      'outcome',
    );
  const rating = rangeOf(query, 'csat');
  if (rating) put(rangeWords(RATINGS, rating, 'stars'), 'csat_min', 'csat_max');
  const score = rangeOf(query, 'score');
  if (score) put(`Score: ${lower(rangeWords(SCORES, score, '%'))}`, 'score_min', 'score_max');
  const length = rangeOf(query, 'duration');
  if (length) put(rangeWords(LENGTHS, length, 'seconds'), 'duration_min', 'duration_max');
  if (query.flag) put(listOf(query.flag).map(flagName).join(' and '), 'flag');
  return all;
}

export function outcomeName(code: string, outcomes: readonly Outcome[]): string {
  return outcomes.find((outcome) => outcome.code === code)?.label ?? codeWords(code);
}

export function flagName(flag: string): string {
  return FLAGS[flag as Flag]?.label ?? codeWords(flag);
}

/** An id as a name, where the server has said it. */
export function agentName(agent: string, facets: Facets | undefined): string {
  const label = facets?.agents.find((facet) => facet.value === agent)?.label;
  return label ?? (/^[0-9a-f]{8}-/.test(agent) ? 'One agent' : agent);
}

/** A queue's title, where the server has said it. */
export function queueName(queue: string, facets: Facets | undefined): string {
  return facets?.queues.find((facet) => facet.value === queue)?.label ?? queue;
}

function nameOf(choices: readonly Choice[], value: string): string {
  return choices.find((choice) => choice.value === value)?.label ?? codeWords(value);
}

/** In the middle of a sentence. */
function lower(words: string): string {
  return words.charAt(0).toLowerCase() + words.slice(1);
}

function rangeWords(choices: readonly Choice[], value: string, unit: string): string {
  const known = choices.find((choice) => choice.value === value)?.label;
  if (known) return known;
  const [min, max] = value.split('-');
  if (!min) return `At most ${max} ${unit}`;
  return max ? `${min} to ${max} ${unit}` : `At least ${min} ${unit}`;
}

function datesWords(from: string | undefined, to: string | undefined): string {
  const day = (text: string) => {
    const date = new Date(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00` : text);
    return Number.isNaN(date.getTime())
      ? text
      : new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' }).format(date);
  };
  if (from && to) return from === to ? day(from) : `${day(from)} to ${day(to)}`;
  return from ? `Since ${day(from)}` : `Until ${day(to ?? '')}`;
}

import type { AuditEntry, AuditEvent, Erasure, Kept } from '../../protocol.ts';

const EVENTS: Record<AuditEvent, string> = {
  login_succeeded: 'Logged in',
  login_failed: 'Login failed',
  user_added: 'Account added',
  password_changed: 'Password changed',
  rights_changed: 'Rights changed',
  api_key_made: 'API key made',
  consent_chosen: 'Choice about recording',
  recording_played: 'Played a recording',
  unmasked: 'Read personal data',
  exported: 'Exported',
  export_downloaded: 'Downloaded an export',
  hold_placed: 'Placed a hold',
  hold_lifted: 'Lifted a hold',
  recording_deleted: 'Recording deleted',
  recording_withheld: 'Recording locked: consent withdrawn',
  aliases_changed: 'Aliases of a buyer',
  erasure_requested: 'Erasure asked for',
  erasure_finished: 'Erasure finished',
  review_submitted: 'Submitted a score',
  review_revised: 'Corrected a score',
  dispute_opened: 'Disputed a score',
  dispute_decided: 'Closed a dispute',
};

/** Every kind of entry, with its words. */
export const AUDIT_EVENTS = Object.entries(EVENTS) as readonly (readonly [AuditEvent, string])[];

/** What happened, in words. */
export function eventWords(event: AuditEvent): string {
  return EVENTS[event] ?? event;
}

/** Who did it, in words. */
export function actorWords(entry: AuditEntry): string {
  if (entry.actor_name !== undefined) return entry.actor_name;
  const [kind = '', id = ''] = entry.actor.split(':', 2);
  switch (kind) {
    case 'server':
      return 'The server';
    case 'operator':
      return 'Command line';
    case 'nobody':
      return 'Not known';
    case 'shop':
      return `Shop ${id}`;
    default:
      return entry.actor;
  }
}

/** Longest value of a detail that is shown whole, characters: ids are, signatures are not. */
const VALUE_MAX = 64;

/** A detail that fits into a line: `name: value`, joined. */
export function detailWords(detail: Record<string, unknown>): string {
  return Object.entries(detail)
    .filter(([, value]) => value !== null && !(Array.isArray(value) && value.length === 0))
    .map(([name, value]) => {
      const text = typeof value === 'string' ? value : JSON.stringify(value);
      return `${name.replaceAll('_', ' ')}: ${text.length > VALUE_MAX ? `${text.slice(0, 16)}…` : text}`;
    })
    .join(' · ');
}

/** What a log that is whole was compared with. */
export function wholeWords(entries: number, heads: number): string {
  const chained = `${entries === 1 ? 'One entry is' : `${entries} entries are`} chained without a break`;
  if (heads === 0) return `${chained}. There is no signed head of an earlier time to compare with yet.`;
  return `${chained}, and ${heads === 1 ? 'the one signed head' : `${heads} signed heads`} of earlier times ${heads === 1 ? 'agrees' : 'agree'}.`;
}

/** By which rule a recording is kept. */
export function ruleWords(kept: Kept): string {
  const days = `${kept.days} ${kept.days === 1 ? 'day' : 'days'}`;
  switch (kept.rule) {
    case 'queue':
      return `${days}, as its queue says`;
    case 'country':
      return `${days}, the most that the buyer’s country allows`;
    default:
      return `${days}, as for every recording`;
  }
}

/** What became of an erasure. */
export function erasureWords(erasure: Erasure): string {
  const said = erasure.certificate?.statement;
  if (said === undefined) {
    return erasure.erased === 0 ? 'Erasing…' : `Erasing… ${count(erasure.erased, 'recording')} so far`;
  }
  const done = `${count(said.recordings.length, 'recording')} and what ${count(said.calls.length, 'call')} knew of the buyer are erased.`;
  if (said.kept.length === 0) return done;
  return `${done} ${count(said.kept.length, 'call')} under hold or in progress ${said.kept.length === 1 ? 'was' : 'were'} kept: erase again later.`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

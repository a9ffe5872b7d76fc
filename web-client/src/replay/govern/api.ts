/** The REST API of governance: holds, erasures, masking, the audit log. */

import type {
  AuditEntry,
  AuditReport,
  Erasure,
  Hold,
  NewErasure,
  NewHold,
  Page,
  SigningKeyInfo,
  Why,
} from '../../protocol.ts';
import { Rest } from '../../session/rest.ts';
import { say } from '../../staff/api.ts';

/** What to look for in the audit log; empty fields do not count. */
export interface AuditQuery {
  readonly event: string;
  readonly actor: string;
  readonly about: string;
  readonly from: string;
  readonly to: string;
}

/** Nothing in particular. */
export const ALL_ENTRIES: AuditQuery = { event: '', actor: '', about: '', from: '', to: '' };

const rest = new Rest();
const part = encodeURIComponent;

export const governance = {
  unmask: (call: string, reason: Why): Promise<void> => say(rest.post(`/calls/${part(call)}/unmask`, reason)),
  placeHold: (hold: NewHold): Promise<Hold> => say(rest.post('/holds', hold)),
  liftHold: (id: string, reason: Why): Promise<Hold> => say(rest.post(`/holds/${part(id)}/lift`, reason)),
  eraseRecording: (id: string, reason: Why): Promise<void> =>
    say(rest.post(`/recordings/${part(id)}/erase`, reason)),
  eraseBuyer: (erasure: NewErasure): Promise<Erasure> => say(rest.post('/erasures', erasure)),
  erasure: (id: string): Promise<Erasure> => say(rest.get(`/erasures/${part(id)}`)),
  audit: (query: AuditQuery, before?: string): Promise<Page<AuditEntry>> =>
    say(rest.get(`/audit?${auditParameters(query, before)}`)),
  verifyAudit: (): Promise<AuditReport> => say(rest.get('/audit/verify')),
  signingKey: (): Promise<SigningKeyInfo> => say(rest.get('/signing-key')),
};

/** Where the certificate of an erasure is downloaded. */
export function certificateHref(id: string): string {
  return `/api/v1/erasures/${part(id)}/certificate`;
}

/** The query string of a page of the log. Days are whole days of the reader. */
export function auditParameters(query: AuditQuery, before?: string): URLSearchParams {
  const fields: [string, string][] = [
    ['event', query.event],
    ['actor', query.actor.trim()],
    ['about', query.about.trim()],
    ['from', dayStart(query.from, 0)],
    ['to', dayStart(query.to, 1)],
    ['limit', '50'],
    ['before', before ?? ''],
  ];
  return new URLSearchParams(fields.filter(([, value]) => value !== ''));
}

/** The first moment of a day (`2026-11-30`), some days later; empty when it is none. */
function dayStart(day: string, later: number): string {
  const [year, month, date] = day.split('-').map(Number);
  if (year === undefined || month === undefined || date === undefined) return '';
  const start = new Date(year, month - 1, date + later);
  return Number.isNaN(start.getTime()) ? '' : start.toISOString();
}

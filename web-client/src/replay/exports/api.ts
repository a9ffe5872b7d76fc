/** The REST API of exports. */
import type { Export, NewExport } from '../../protocol.ts';
import { rest, say } from '../../staff/api.ts';

const part = encodeURIComponent;

export const exportsApi = {
  list: (recording: string): Promise<Export[]> => say(rest.get(`/recordings/${part(recording)}/exports`)),
  ask: (recording: string, wanted: NewExport): Promise<Export> =>
    say(rest.post(`/recordings/${part(recording)}/exports`, wanted)),
  /** Cancels it, or deletes its file. */
  remove: (id: string): Promise<Export> => say(rest.request('DELETE', `/exports/${part(id)}`)),
  retry: (id: string): Promise<Export> => say(rest.post(`/exports/${part(id)}/retry`)),
};

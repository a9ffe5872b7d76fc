/** What an agent has typed but not saved, kept in the tab: a reload or a crash must not cost the notes. */
import type { WrapUp } from '../../protocol.ts';

/** The part of `Storage` that is needed. */
export type DraftStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

const KEY = 'vitrine.wrap-up.';

export class Drafts {
  readonly #storage: DraftStorage | undefined;

  /** @param storage `undefined` where the browser gives none (storage blocked): drafts then live in the page only */
  constructor(storage: DraftStorage | undefined) {
    this.#storage = storage;
  }

  /** The draft for a call; empty when there is none or it cannot be read. */
  read(call: string): WrapUp {
    const empty: WrapUp = { outcome: '', notes: '' };
    try {
      const value: unknown = JSON.parse(this.#storage?.getItem(KEY + call) ?? 'null');
      if (typeof value !== 'object' || value === null) return empty;
      const { outcome, notes } = value as Partial<Record<keyof WrapUp, unknown>>;
      return {
        outcome: typeof outcome === 'string' ? outcome : '',
        notes: typeof notes === 'string' ? notes : '',
      };
    } catch {
      return empty;
    }
  }

  /** Keeps a draft; says whether it is kept. An empty one is forgotten. */
  write(call: string, draft: WrapUp): boolean {
    if (draft.outcome === '' && draft.notes === '') {
      this.forget(call);
      return true;
    }
    try {
      this.#storage?.setItem(KEY + call, JSON.stringify(draft));
      return this.#storage !== undefined;
    } catch {
      // Full or blocked: the text is still in the form.
      return false;
    }
  }

  /** The wrap-up is saved. */
  forget(call: string): void {
    try {
      this.#storage?.removeItem(KEY + call);
    } catch {
      // Nothing to forget then.
    }
  }
}

/** The tab's own storage, where the browser allows it. */
export function tabStorage(): DraftStorage | undefined {
  try {
    return sessionStorage;
  } catch {
    return undefined;
  }
}

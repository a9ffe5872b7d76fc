/** Keeps people from leaving what could not be saved. */

/** Something that may hold unsaved words. */
export interface Unsaved {
  /** Whether something would be lost. */
  readonly unsaved: boolean;
}

const open = new Set<Unsaved>();

/** From now on asks before the page goes while `source` has something unsaved; the answer stops that. */
export function watchUnsaved(source: Unsaved): () => void {
  if (open.size === 0) addEventListener('beforeunload', onBeforeUnload);
  open.add(source);
  return () => {
    open.delete(source);
    if (open.size === 0) removeEventListener('beforeunload', onBeforeUnload);
  };
}

/** Whether anything on the page is unsaved. */
export function anythingUnsaved(): boolean {
  return [...open].some((source) => source.unsaved);
}

function onBeforeUnload(event: BeforeUnloadEvent): void {
  if (anythingUnsaved()) event.preventDefault();
}

/** Keeps people from leaving what could not be saved. */

/** Something that may hold unsaved words. */
export interface Unsaved {
  /** Whether something would be lost if the whole page went. */
  readonly unsaved: boolean;
  /** Whether something would be lost if it were left for another place on the page; as `unsaved` when it does not say. */
  readonly stuck?: boolean;
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

/** Whether anything would be lost by going to another place on the page. */
export function anythingStuck(): boolean {
  return [...open].some((source) => source.stuck ?? source.unsaved);
}

function onBeforeUnload(event: BeforeUnloadEvent): void {
  if ([...open].some((source) => source.unsaved)) event.preventDefault();
}

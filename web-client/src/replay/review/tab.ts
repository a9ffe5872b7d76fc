/** Which tab beside the player was open last: the next recording begins with it. */
const REMEMBERED = 'vitrine-replay-tab';

/** The tab that was open last; empty for the first one. */
export function rememberedTab(): string {
  try {
    return sessionStorage.getItem(REMEMBERED) ?? '';
  } catch {
    // It is a convenience; browsers may forbid storage.
    return '';
  }
}

/** Remembers the tab that is open now. */
export function rememberTab(tab: string): void {
  try {
    sessionStorage.setItem(REMEMBERED, tab);
  } catch {
    // As above.
  }
}

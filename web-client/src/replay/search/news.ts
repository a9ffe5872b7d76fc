/** Short messages of the search's elements, shown by the page as toasts. */
import type { ToastAction } from '../../elements/toast/toasts.ts';

/** What a `replay-news` event carries. */
export interface News {
  readonly text: string;
  readonly tone: 'ok' | 'danger';
  readonly action: ToastAction | undefined;
}

/** Tells the page. */
export function tell(
  from: HTMLElement,
  text: string,
  tone: 'ok' | 'danger' = 'ok',
  action?: ToastAction,
): void {
  const detail: News = { text, tone, action };
  from.dispatchEvent(new CustomEvent<News>('replay-news', { detail, bubbles: true, composed: true }));
}

/** A failure in words. */
export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

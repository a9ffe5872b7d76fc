import { css, html, LitElement } from 'lit';

import { base } from '../design/base.ts';
import { define } from '../elements/define.ts';
import '../elements/dialog/dialog.ts';

/** One line of the list: what to press, what it does. */
export interface Shortcut {
  readonly keys: readonly string[];
  readonly does: string;
}

/**
 * The list of keyboard shortcuts of a page.
 *
 * @fires vt-close - the person wants it closed
 */
export class StaffKeys extends LitElement {
  static override properties = { open: { type: Boolean }, shortcuts: { attribute: false } };
  static override styles = [
    base,
    css`
      dl {
        display: grid;
        grid-template-columns: auto 1fr;
        gap: var(--v-s2) var(--v-s4);
        align-items: center;
      }
      dt {
        display: flex;
        gap: var(--v-s1);
      }
      kbd {
        min-inline-size: 28px;
        padding: 2px 8px;
        border: 1px solid var(--v-line-strong);
        border-block-end-width: 2px;
        border-radius: 6px;
        background: var(--v-sunken);
        font: 500 var(--v-text-sm) / 1.5 var(--v-font);
        text-align: center;
      }
    `,
  ];

  declare open: boolean;
  declare shortcuts: readonly Shortcut[];

  constructor() {
    super();
    this.open = false;
    this.shortcuts = [];
  }

  override render() {
    return html`<vt-dialog heading="Keyboard shortcuts" ?open=${this.open}>
      <dl>
        ${this.shortcuts.map(
          ({ keys, does }) => html`<dt>${keys.map((key) => html`<kbd>${key}</kbd>`)}</dt>
            <dd>${does}</dd>`,
        )}
      </dl>
    </vt-dialog>`;
  }
}

/** Whether a key press is meant for a control and not for the page. */
export function typing(event: KeyboardEvent): boolean {
  const target = event.composedPath()[0];
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.matches('input:not([type=range]), textarea, select'))
  );
}

/** Whether the focused control does something of its own with Enter and Space. */
export function onControl(event: KeyboardEvent): boolean {
  const target = event.composedPath()[0];
  return target instanceof HTMLElement && target.matches('button, a[href], summary, input, textarea, select');
}

define('staff-keys', StaffKeys);

declare global {
  interface HTMLElementTagNameMap {
    'staff-keys': StaffKeys;
  }
}

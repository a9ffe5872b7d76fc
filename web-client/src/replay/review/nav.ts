import { css, html, LitElement, nothing } from 'lit';

import { base } from '../../design/base.ts';
import { define } from '../../elements/define.ts';

/** A way to a page. */
export interface Way {
  readonly href: string;
  readonly label: string;
  /** Whether it leads to the page that is shown. */
  readonly here: boolean;
}

/** The pages of the replay console, in its header. */
export class ReplayNav extends LitElement {
  static override properties = { ways: { attribute: false } };
  static override styles = [
    base,
    css`
      :host {
        display: block;
        min-inline-size: 0;
        max-inline-size: 100%;
      }
      nav {
        display: flex;
        gap: var(--v-s1);
        overflow-x: auto;
        scrollbar-width: none;
      }
      a {
        display: inline-grid;
        place-items: center;
        min-block-size: var(--v-target);
        padding-inline: var(--v-s3);
        border-radius: var(--v-radius-sm);
        color: var(--v-muted);
        font-size: var(--v-text-sm);
        font-weight: 600;
        text-decoration: none;
        white-space: nowrap;
      }
      a:hover {
        background: var(--v-hover);
      }
      a:focus-visible {
        outline-offset: -2px;
      }
      a[aria-current] {
        background: var(--v-accent-soft);
        color: var(--v-on-accent-soft);
      }
      @media (max-width: 720px) {
        a {
          padding-inline: var(--v-s2);
        }
      }
    `,
  ];

  declare ways: readonly Way[];

  constructor() {
    super();
    this.ways = [];
  }

  /** On a phone not all of them fit: the page that is shown is one of those. */
  override updated() {
    this.renderRoot
      .querySelector('[aria-current]')
      ?.scrollIntoView({ block: 'nearest', inline: 'nearest', behavior: 'instant' });
  }

  override render() {
    return html`<nav aria-label="Pages">
      ${this.ways.map(
        ({ href, label, here }) => html`<a href=${href} aria-current=${here ? 'page' : nothing}>${label}</a>`,
      )}
    </nav>`;
  }
}

define('replay-nav', ReplayNav);

declare global {
  interface HTMLElementTagNameMap {
    'replay-nav': ReplayNav;
  }
}

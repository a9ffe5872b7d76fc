import { css, html, LitElement, nothing } from 'lit';

import { base } from '../design/base.ts';
import '../elements/avatar/avatar.ts';
import '../elements/button/button.ts';
import { define } from '../elements/define.ts';
import type { Me } from '../protocol.ts';
import './brand.ts';
import './icons.ts';

/**
 * The bar at the top of a staff page: brand, what the page puts in, who is logged in, log out.
 *
 * @slot - controls of the page
 * @fires staff-logout - log out was pressed
 * @fires staff-keys - the list of keyboard shortcuts was asked for
 */
export class StaffHeader extends LitElement {
  static override properties = { page: { type: String }, home: { type: String }, me: { attribute: false } };
  static override styles = [
    base,
    css`
      :host {
        display: block;
        position: sticky;
        inset-block-start: 0;
        z-index: 20;
        border-block-end: 1px solid var(--v-line);
        background: var(--v-surface);
      }
      header {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--v-s2) var(--v-s4);
        min-block-size: 60px;
        padding: var(--v-s2) var(--v-s5);
      }
      .home {
        display: inline-flex;
        color: inherit;
        text-decoration: none;
        border-radius: var(--v-radius-sm);
      }
      .page {
        display: flex;
        flex: 1;
        flex-wrap: wrap;
        align-items: center;
        justify-content: flex-end;
        gap: var(--v-s3);
      }
      .who {
        display: flex;
        align-items: center;
        gap: var(--v-s2);
        --vt-avatar-size: 34px;
      }
      .name {
        font: 600 var(--v-text-sm) / 1.3 var(--v-font);
        white-space: nowrap;
      }
      .role {
        color: var(--v-muted);
        font: 400 var(--v-text-xs) / 1.3 var(--v-font);
        text-transform: capitalize;
      }
      @media (max-width: 720px) {
        header {
          padding-inline: var(--v-s4);
        }
        .who {
          margin-inline-start: auto;
        }
        .page {
          order: 3;
          flex-basis: 100%;
          min-inline-size: 0;
          justify-content: flex-start;
        }
        .page:not(.filled) {
          display: none;
        }
        .words,
        .keys {
          display: none;
        }
      }
      @media (pointer: coarse) {
        .keys {
          display: none;
        }
      }
    `,
  ];

  declare page: string;
  /** Where the brand leads. */
  declare home: string;
  declare me: Me | undefined;
  #filled = false;

  constructor() {
    super();
    this.page = '';
    this.home = '#/';
    this.me = undefined;
  }

  override render() {
    return html`<header>
      <a class="home" href=${this.home}><vt-brand>${this.page}</vt-brand></a>
      <div class="page ${this.#filled ? 'filled' : ''}"><slot @slotchange=${this.#onSlot}></slot></div>
      ${this.me ? this.#who(this.me) : nothing}
    </header>`;
  }

  #who(me: Me) {
    return html`<div class="who">
      <vt-avatar name=${me.name} title=${`${me.name}, ${me.role}`}></vt-avatar>
      <div class="words">
        <div class="name">${me.name}</div>
        <div class="role">${me.role}</div>
      </div>
      <slot name="tools"></slot>
      <vt-button class="keys" variant="quiet" icon="keyboard" label="Keyboard shortcuts" @click=${() => this.#fire('staff-keys')}></vt-button>
      <vt-button variant="quiet" icon="leave" label="Log out" data-testid="logout" @click=${() => this.#fire('staff-logout')}></vt-button>
    </div>`;
  }

  #onSlot(event: Event) {
    this.#filled = (event.target as HTMLSlotElement).assignedElements().length > 0;
    this.requestUpdate();
  }

  #fire(name: 'staff-logout' | 'staff-keys') {
    this.dispatchEvent(new CustomEvent(name));
  }
}

define('staff-header', StaffHeader);

declare global {
  interface HTMLElementTagNameMap {
    'staff-header': StaffHeader;
  }
}

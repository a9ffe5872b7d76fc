import { css, html, LitElement, nothing } from 'lit';

import { base } from '../design/base.ts';
import '../elements/banner/banner.ts';
import '../elements/button/button.ts';
import { define } from '../elements/define.ts';
import '../elements/field/field.ts';
import type { Me } from '../protocol.ts';
import { ApiError, api } from './api.ts';
import './brand.ts';

/**
 * Staff login.
 *
 * @fires staff-login - logged in; `detail` is {@link Me}
 */
export class StaffLogin extends LitElement {
  static override properties = { page: { type: String }, notice: { type: String } };
  static override styles = [
    base,
    css`
      :host {
        display: grid;
        min-block-size: 100dvb;
        padding: var(--v-s4);
        place-items: center;
      }
      .card {
        inline-size: min(400px, 100%);
        padding: var(--v-s6) var(--v-s5);
        border: 1px solid var(--v-line);
        border-radius: var(--v-radius-lg);
        background: var(--v-surface);
        box-shadow: var(--v-shadow-2);
      }
      form {
        display: grid;
        gap: var(--v-s4);
        margin-block-start: var(--v-s5);
      }
      h1 {
        margin-block-start: var(--v-s5);
        font-size: var(--v-text-xl);
        line-height: var(--v-leading-tight);
      }
      .demo {
        margin-block-start: var(--v-s5);
        color: var(--v-muted);
        font-size: var(--v-text-sm);
      }
      a {
        color: var(--v-accent);
      }
    `,
  ];

  /** Name of the page beside the brand. */
  declare page: string;
  /** Why somebody who was logged in sees this again. */
  declare notice: string;

  #email = '';
  #password = '';
  #busy = false;
  #problem = '';
  #missing: 'email' | 'password' | undefined;
  #demo = false;

  constructor() {
    super();
    this.page = '';
    this.notice = '';
  }

  override connectedCallback() {
    super.connectedCallback();
    void this.#lookForDemo();
  }

  override firstUpdated() {
    this.renderRoot.querySelector<HTMLElement>('[name=email]')?.focus();
  }

  override render() {
    return html`<main class="card">
      <vt-brand>${this.page}</vt-brand>
      <h1>Log in</h1>
      <form @submit=${this.#submit} novalidate>
        ${this.notice && !this.#problem ? html`<vt-banner tone="info">${this.notice}</vt-banner>` : nothing}
        ${this.#problem ? html`<vt-banner tone="danger" data-testid="login-problem">${this.#problem}</vt-banner>` : nothing}
        <vt-field
          label="Email"
          name="email"
          type="email"
          autocomplete="username"
          testid="login-email"
          .value=${this.#email}
          error=${this.#missing === 'email' ? 'Enter the email address of your account.' : ''}
          @input=${(event: Event) => this.#take('email', event)}
        ></vt-field>
        <vt-field
          label="Password"
          name="password"
          type="password"
          autocomplete="current-password"
          testid="login-password"
          .value=${this.#password}
          error=${this.#missing === 'password' ? 'Enter your password.' : ''}
          @input=${(event: Event) => this.#take('password', event)}
        ></vt-field>
        <vt-button variant="primary" size="lg" type="submit" block ?busy=${this.#busy} data-testid="login-submit">
          Log in
        </vt-button>
      </form>
      ${this.#demo ? html`<p class="demo">This is a demo server: its logins are printed where it was started. <a href="/demo/">To the demo shop</a></p>` : nothing}
    </main>`;
  }

  #take(which: 'email' | 'password', event: Event) {
    const { value } = event.currentTarget as HTMLElementTagNameMap['vt-field'];
    if (which === 'email') this.#email = value;
    else this.#password = value;
    if (this.#missing === which && value !== '') {
      this.#missing = undefined;
      this.requestUpdate();
    }
  }

  async #submit(event: Event) {
    event.preventDefault();
    if (this.#busy) return;
    const email = this.#email.trim();
    this.#missing = email === '' ? 'email' : this.#password === '' ? 'password' : undefined;
    this.#problem = '';
    this.#busy = this.#missing === undefined;
    this.requestUpdate();
    if (this.#missing !== undefined) {
      this.renderRoot.querySelector<HTMLElement>(`[name=${this.#missing}]`)?.focus();
      return;
    }
    try {
      const me = await api.login({ email, password: this.#password });
      this.#password = '';
      this.dispatchEvent(new CustomEvent<Me>('staff-login', { detail: me }));
    } catch (error) {
      this.#problem = error instanceof ApiError ? error.message : 'Logging in did not work. Try again.';
    } finally {
      this.#busy = false;
      this.requestUpdate();
    }
  }

  /** A production server has no demo shop, and then there is nothing to point to. */
  async #lookForDemo() {
    try {
      const response = await fetch('/demo/', { method: 'HEAD' });
      this.#demo = response.ok;
      this.requestUpdate();
    } catch {
      // Logging in will say that the server is away.
    }
  }
}

define('staff-login', StaffLogin);

declare global {
  interface HTMLElementTagNameMap {
    'staff-login': StaffLogin;
  }
}

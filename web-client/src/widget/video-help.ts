import { css, html, LitElement, nothing, type PropertyValues } from 'lit';

import { base } from '../design/base.ts';
import { tokens } from '../design/tokens.ts';
import '../elements/button/button.ts';
import { define } from '../elements/define.ts';
import { english, loadStrings, openLabel, type Strings } from '../locales/catalogue.ts';
import { type FlowState, HelpFlow } from './flow.ts';
import './panel.ts';

/** What `vitrine-state` carries. */
export interface VitrineStateDetail {
  state: FlowState;
  previous: FlowState;
  /** In `ended`: why, e.g. `agent_hung_up`. */
  reason?: string;
}

/** Only one element of a page takes up the visit of before a reload. */
let rejoined = false;

/**
 * `<video-help>`: a button in the shop's page; behind it, live video help.
 *
 * Nothing but this script is loaded, and nothing stored, before the buyer taps. Colours can be changed from the page by
 * setting the custom properties of the design (`--v-accent`, `--v-on-accent`, …) on the element, the button itself
 * through `::part(button)`.
 *
 * @fires vitrine-state - the visit is in another state; `detail` is {@link VitrineStateDetail}. Bubbles.
 * @attr token-url - address on the shop's own server that answers with a fresh token (JWT), asked at each tap
 * @attr token - a token put into the page instead; it opens one visit only
 * @attr server - origin of the Vitrine server; by default where this script came from
 * @attr lang - BCP 47; by default the language of the page
 * @attr label - other words on the button
 * @attr theme - `light` or `dark`; by default what the device prefers
 * @attr codec - `vp8`, `h264`, `vp9` or `av1`: what the buyer's camera is sent in; by default VP8, which every browser has
 */
export class VideoHelp extends LitElement {
  static override properties = {
    tokenUrl: { type: String, attribute: 'token-url' },
    token: { type: String },
    server: { type: String },
    lang: { type: String },
    label: { type: String },
    strings: { state: true },
  };
  static override styles = [
    tokens,
    base,
    css`
      :host {
        display: inline-block;
        --v-rem: 16px;
        font: 400 16px / 1.5 var(--v-font);
        letter-spacing: normal;
        text-transform: none;
        color: var(--v-text);
      }
    `,
  ];

  declare tokenUrl: string | undefined;
  declare token: string | undefined;
  declare server: string | undefined;
  declare lang: string;
  declare label: string | undefined;
  declare strings: Strings;
  #flow: HelpFlow | undefined;
  #state: FlowState = 'closed';

  constructor() {
    super();
    this.strings = english;
  }

  /** Where the visit stands. */
  get state(): FlowState {
    return this.#state;
  }

  /** What the button does. */
  async open(): Promise<void> {
    const flow = this.#ensureFlow();
    await this.#loadStrings();
    await flow.open();
  }

  override connectedCallback() {
    super.connectedCallback();
    if (!rejoined) void this.#rejoin();
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    // Moved within the page, it comes back into its visit; removed for good, another element may.
    if (this.#state !== 'closed') rejoined = false;
    this.#flow?.suspend();
    this.#flow?.removeEventListener('change', this.#onFlow);
    this.#flow = undefined;
    this.#onFlow();
  }

  override render() {
    const open = this.#state !== 'closed';
    const label = this.label || openLabel(this.#language());
    return html`<vt-button
        part="button"
        exportparts="button"
        data-testid="open"
        variant="primary"
        size="lg"
        round
        icon="camera"
        dir=${this.strings.dir}
        .expanded=${open}
        ?busy=${this.#state === 'loading'}
        @click=${this.open}
        >${label}</vt-button
      >
      ${open && this.#flow ? html`<vitrine-help-panel .flow=${this.#flow} .strings=${this.strings}></vitrine-help-panel>` : nothing}`;
  }

  override updated(_changed: PropertyValues) {
    this.toggleAttribute('open', this.#state !== 'closed');
  }

  async #rejoin() {
    const flow = this.#ensureFlow();
    const back = flow.rejoin();
    rejoined = this.#state !== 'closed';
    if (rejoined) await this.#loadStrings();
    await back;
  }

  #ensureFlow(): HelpFlow {
    if (this.#flow && this.#state !== 'closed') return this.#flow;
    this.#flow?.removeEventListener('change', this.#onFlow);
    this.#flow = new HelpFlow({
      tokenUrl: this.tokenUrl,
      token: this.token,
      server: this.server || new URL(import.meta.url).origin,
      language: this.#language(),
      codec: this.getAttribute('codec') ?? undefined,
    });
    this.#flow.addEventListener('change', this.#onFlow);
    return this.#flow;
  }

  readonly #onFlow = () => {
    const state = this.#flow?.state ?? 'closed';
    if (state !== this.#state) {
      const reason = this.#flow?.end?.reason;
      const detail: VitrineStateDetail = {
        state,
        previous: this.#state,
        ...(state === 'ended' && reason ? { reason } : {}),
      };
      this.#state = state;
      this.dispatchEvent(new CustomEvent('vitrine-state', { detail, bubbles: true, composed: true }));
      if (state === 'closed') this.renderRoot.querySelector<HTMLElement>('[data-testid="open"]')?.focus();
    }
    this.requestUpdate();
  };

  async #loadStrings() {
    const language = this.#language();
    if (this.strings.tag !== language) this.strings = await loadStrings(language);
  }

  #language(): string {
    const given = this.lang || this.closest<HTMLElement>('[lang]')?.lang || navigator.language;
    try {
      return new Intl.Locale(given).toString();
    } catch {
      return 'en';
    }
  }
}

define('video-help', VideoHelp);

declare global {
  interface HTMLElementTagNameMap {
    'video-help': VideoHelp;
  }
  interface HTMLElementEventMap {
    'vitrine-state': CustomEvent<VitrineStateDetail>;
  }
}

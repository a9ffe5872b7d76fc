import { css, html, LitElement, nothing } from 'lit';

import { base } from '../design/base.ts';
import { define } from '../elements/define.ts';
import '../elements/icon/icon.ts';
import type { BuyerContext, Order, Product } from '../protocol.ts';
import { countryName, languageName } from './format.ts';
import './icons.ts';

/** What the shop signed about the buyer: who, which product, which order, what was found out before. */
export class StaffContext extends LitElement {
  static override properties = {
    context: { attribute: false },
    queue: { type: String },
    large: { type: Boolean, reflect: true },
  };
  static override styles = [
    base,
    css`
      :host {
        display: grid;
        gap: var(--v-s4);
        min-inline-size: 0;
        font: 400 var(--v-text-sm) / var(--v-leading) var(--v-font);
        overflow-wrap: anywhere;
      }
      .product {
        display: flex;
        gap: var(--v-s3);
        align-items: center;
      }
      .picture {
        display: grid;
        place-items: center;
        flex: none;
        inline-size: 72px;
        block-size: 72px;
        overflow: hidden;
        border: 1px solid var(--v-line);
        border-radius: var(--v-radius);
        background: var(--v-sunken);
        color: var(--v-muted);
        --vt-icon-size: 28px;
      }
      :host([large]) .picture {
        inline-size: 112px;
        block-size: 112px;
      }
      @media (max-width: 520px) {
        :host([large]) .picture {
          inline-size: 72px;
          block-size: 72px;
        }
      }
      img {
        display: block;
        inline-size: 100%;
        block-size: 100%;
        object-fit: cover;
      }
      .name {
        font-size: var(--v-text-md);
        font-weight: 600;
        line-height: var(--v-leading-tight);
      }
      :host([large]) .name {
        font-size: var(--v-text-lg);
      }
      .price {
        margin-block-start: 2px;
        font-weight: 600;
      }
      .quiet {
        color: var(--v-muted);
      }
      a {
        color: var(--v-accent);
      }
      dl {
        display: grid;
        grid-template-columns: auto minmax(0, 1fr);
        gap: var(--v-s1) var(--v-s3);
      }
      dt {
        color: var(--v-muted);
      }
      dd {
        text-align: start;
      }
      ul {
        list-style: none;
      }
      h2 {
        margin-block-end: var(--v-s1);
        font-size: var(--v-text-sm);
        font-weight: 600;
      }
      .summary {
        padding: var(--v-s3);
        border-radius: var(--v-radius);
        background: var(--v-sunken);
        white-space: pre-line;
      }
    `,
  ];

  declare context: BuyerContext | undefined;
  /** Title of the queue the call stands or stood in. */
  declare queue: string;
  /** Bigger picture and name, for the ring. */
  declare large: boolean;
  #brokenPicture = '';

  constructor() {
    super();
    this.context = undefined;
    this.queue = '';
    this.large = false;
  }

  override render() {
    const context = this.context;
    if (context === undefined) return nothing;
    return html`
      ${context.product ? this.#product(context.product) : nothing}
      <dl>
        <dt>Buyer</dt>
        <dd><bdi>${context.name ?? html`<span class="quiet">No name given</span>`}</bdi></dd>
        <dt>Language</dt>
        <dd>${languageName(context.language)}</dd>
        ${context.country ? html`<dt>Country</dt><dd>${countryName(context.country)}</dd>` : nothing}
        ${this.queue ? html`<dt>Queue</dt><dd data-testid="queue"><bdi>${this.queue}</bdi></dd>` : nothing}
      </dl>
      ${context.order ? this.#order(context.order) : nothing}
      ${context.summary ? html`<section><h2>What is known so far</h2><p class="summary" dir="auto">${context.summary}</p></section>` : nothing}
    `;
  }

  #product(product: Product) {
    const picture = webAddress(product.image_url);
    const page = webAddress(product.url);
    return html`<div class="product">
      <div class="picture">
        ${
          picture && picture !== this.#brokenPicture
            ? html`<img src=${picture} alt="" referrerpolicy="no-referrer" @error=${() => this.#noPicture(picture)} />`
            : html`<vt-icon name="box"></vt-icon>`
        }
      </div>
      <div>
        <p class="name"><bdi>${product.name}</bdi></p>
        ${product.price ? html`<p class="price"><bdi>${product.price}</bdi></p>` : nothing}
        <p class="quiet">
          SKU <bdi>${product.sku}</bdi>${page ? html` · <a href=${page} target="_blank" rel="noopener noreferrer">Product page</a>` : nothing}
        </p>
      </div>
    </div>`;
  }

  #order(order: Order) {
    return html`<section>
      <h2>Order <bdi>${order.number}</bdi></h2>
      <dl>
        <dt>Status</dt>
        <dd><bdi>${order.status}</bdi></dd>
        ${order.placed ? html`<dt>Placed</dt><dd><bdi>${order.placed}</bdi></dd>` : nothing}
        ${order.total ? html`<dt>Total</dt><dd><bdi>${order.total}</bdi></dd>` : nothing}
        ${
          order.items.length > 0
            ? html`<dt>Items</dt><dd><ul>${order.items.map((item) => html`<li><bdi>${item}</bdi></li>`)}</ul></dd>`
            : nothing
        }
      </dl>
    </section>`;
  }

  #noPicture(address: string) {
    this.#brokenPicture = address;
    this.requestUpdate();
  }
}

/** The address if a page may safely link to it: the shop signed it, but `javascript:` stays out all the same. */
export function webAddress(address: string | undefined): string | undefined {
  if (address === undefined) return undefined;
  try {
    const url = new URL(address, location.href);
    return url.protocol === 'https:' || url.protocol === 'http:' ? url.href : undefined;
  } catch {
    return undefined;
  }
}

define('staff-context', StaffContext);

declare global {
  interface HTMLElementTagNameMap {
    'staff-context': StaffContext;
  }
}

import { css, html, nothing } from 'lit';

import type { Product } from '../protocol.ts';

export const productStyles = css`
  .product {
    display: flex;
    align-items: center;
    gap: var(--v-s3);
    padding: var(--v-s2);
    border: 1px solid var(--v-line);
    border-radius: var(--v-radius);
  }
  .product .thumb {
    display: grid;
    place-items: center;
    flex: none;
    inline-size: 56px;
    block-size: 56px;
    border-radius: var(--v-radius-sm);
    overflow: hidden;
    background: var(--v-sunken);
    color: var(--v-muted);
    --vt-icon-size: 24px;
  }
  .product img {
    inline-size: 100%;
    block-size: 100%;
    object-fit: cover;
  }
  .product .what {
    min-inline-size: 0;
  }
  .product .name {
    display: -webkit-box;
    -webkit-box-orient: vertical;
    -webkit-line-clamp: 2;
    overflow: hidden;
    font-weight: 600;
    font-size: var(--v-text-sm);
    line-height: var(--v-leading-tight);
  }
  .product .label,
  .product .price {
    font-size: var(--v-text-xs);
    color: var(--v-muted);
  }
`;

/** The product the call is about; nothing when the shop signed none. */
export function productCard(product: Product | undefined, label: string) {
  if (!product) return nothing;
  return html`<div class="product">
    <div class="thumb">
      ${
        product.image_url && /^(https?:|\/)/.test(product.image_url)
          ? html`<img src=${product.image_url} alt="" loading="lazy" @error=${hide} />`
          : html`<vt-icon name="bag"></vt-icon>`
      }
    </div>
    <div class="what">
      <div class="label">${label}</div>
      <div class="name">${product.name}</div>
      ${product.price ? html`<div class="price">${product.price}</div>` : nothing}
    </div>
  </div>`;
}

function hide(event: Event) {
  (event.target as HTMLImageElement).hidden = true;
}

/** Page-wide styles of our own pages (console, replay): tokens on `:root`, font and colours on `body`. */
import { css } from 'lit';

import { tokens } from './tokens.ts';

const page = css`
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }
  html {
    block-size: 100%;
    -webkit-text-size-adjust: 100%;
    text-size-adjust: 100%;
  }
  body {
    min-block-size: 100%;
    margin: 0;
    background: var(--v-page);
    color: var(--v-text);
    font: 400 var(--v-text-md) / var(--v-leading) var(--v-font);
  }
`;

/** Adopts the page styles into the document; call once, first thing in an entry point. */
export function adoptPageStyles(): void {
  const sheets = [tokens, page].map((result) => result.styleSheet).filter((sheet) => sheet !== undefined);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, ...sheets];
}

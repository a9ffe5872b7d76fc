/** What the pages of quality review look like. */
import { css } from 'lit';

import { pageStyles as common } from '../page-styles.ts';

export const pageStyles = [
  common,
  css`
    .title {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: var(--v-s2) var(--v-s3);
      margin-block-end: var(--v-s4);
    }
    h1 {
      flex: 1;
    }
    h2 {
      margin-block-end: var(--v-s3);
      font-size: var(--v-text-lg);
      line-height: var(--v-leading-tight);
    }
    .block + .block {
      margin-block-start: var(--v-s6);
    }
    a {
      color: var(--v-accent);
    }
  `,
];

/** What the pages of quality review look like. */
import { css } from 'lit';

export const pageStyles = css`
  :host {
    display: block;
    inline-size: min(1200px, 100%);
    margin-inline: auto;
    padding: var(--v-s5);
  }
  .title {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: var(--v-s2) var(--v-s3);
    margin-block-end: var(--v-s4);
  }
  h1 {
    flex: 1;
    font-size: var(--v-text-xl);
    line-height: var(--v-leading-tight);
  }
  h2 {
    margin-block-end: var(--v-s3);
    font-size: var(--v-text-lg);
    line-height: var(--v-leading-tight);
  }
  .block + .block {
    margin-block-start: var(--v-s6);
  }
  .back {
    display: inline-flex;
    align-items: center;
    gap: var(--v-s1);
    min-block-size: var(--v-target);
    padding-inline-end: var(--v-s2);
    border-radius: var(--v-radius-sm);
    color: var(--v-accent);
    font-size: var(--v-text-sm);
    font-weight: 600;
    text-decoration: none;
  }
  a {
    color: var(--v-accent);
  }
  @media (max-width: 720px) {
    :host {
      padding: var(--v-s4);
    }
  }
`;

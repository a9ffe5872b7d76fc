import { css } from 'lit';

/** The title of a page of the replay console, and the way back from it. */
export const headStyles = css`
  h1 {
    font-size: var(--v-text-xl);
    line-height: var(--v-leading-tight);
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
`;

/** What the pages of the replay console that are not the player have in common. */
export const pageStyles = css`
  ${headStyles}
  :host {
    display: block;
    inline-size: min(var(--page-inline-size, 1200px), 100%);
    margin-inline: auto;
    padding: var(--v-s5);
  }
  .top {
    display: flex;
    flex-wrap: wrap;
    gap: var(--v-s2) var(--v-s4);
    align-items: center;
    justify-content: space-between;
    margin-block-end: var(--v-s4);
  }
  progress {
    inline-size: 100%;
    block-size: 8px;
    accent-color: var(--v-accent);
  }
  @media (max-width: 860px) {
    :host {
      padding: var(--v-s4);
    }
  }
`;

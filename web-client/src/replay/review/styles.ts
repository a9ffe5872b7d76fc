/** What the elements of quality review have in common. */
import { css } from 'lit';

export const reviewStyles = css`
  .quiet {
    color: var(--v-muted);
  }
  .row {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: var(--v-s2);
  }
  .grow {
    flex: 1;
  }
  .plain {
    padding: 0;
    list-style: none;
  }
  .number {
    font-variant-numeric: tabular-nums;
  }
  .words {
    white-space: pre-line;
    overflow-wrap: anywhere;
  }
  /* A place in the recording: looks like a link, is a button. */
  .time {
    display: inline-flex;
    align-items: center;
    min-block-size: 28px;
    padding-inline: var(--v-s2);
    border: 1px solid var(--v-line-strong);
    border-radius: var(--v-radius-full);
    background: none;
    color: var(--v-accent);
    font: 600 var(--v-text-xs) / 1.4 var(--v-font);
    font-variant-numeric: tabular-nums;
    cursor: pointer;
  }
  .time:hover {
    background: var(--v-hover);
  }
  summary {
    min-block-size: 28px;
    border-radius: var(--v-radius-sm);
    color: var(--v-accent);
    font-size: var(--v-text-sm);
    cursor: pointer;
  }
  .card {
    border: 1px solid var(--v-line);
    border-radius: var(--v-radius);
    background: var(--v-surface);
  }
  .state {
    display: grid;
    place-items: center;
    gap: var(--v-s3);
    padding: var(--v-s5) var(--v-s3);
    color: var(--v-muted);
    text-align: center;
    --vt-spinner-size: 28px;
  }
`;

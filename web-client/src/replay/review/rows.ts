/** Scores as rows of a list. */
import { css, html, nothing } from 'lit';

import '../../elements/badge/badge.ts';
import type { ReviewSummary } from '../../protocol.ts';
import { dateTime } from '../../staff/format.ts';
import { percent } from './score.ts';

/** Looks of {@link reviewRow}; the list around it is a `.card`. */
export const rowStyles = css`
  .score-row {
    display: grid;
    grid-template-columns: 11.5rem 5.5rem minmax(6rem, 1fr) minmax(6rem, 1fr) minmax(8rem, 1.4fr) 11rem 6rem;
    gap: var(--v-s3);
    align-items: center;
    padding: var(--v-s3) var(--v-s4);
    border-block-start: 1px solid var(--v-line);
    color: inherit;
    font-size: var(--v-text-sm);
    text-decoration: none;
  }
  li:first-child .score-row {
    border-block-start: 0;
  }
  .score-row:hover {
    background: var(--v-hover);
  }
  .score-row:focus-visible {
    outline-offset: -2px;
  }
  .score-row > * {
    min-inline-size: 0;
    overflow: hidden;
    text-overflow: ellipsis;
  }
  .score-row .ticket {
    color: var(--v-accent);
    font-weight: 600;
  }
  .score-row strong {
    text-align: end;
    font-variant-numeric: tabular-nums;
  }
  @media (max-width: 960px) {
    .score-row {
      grid-template-columns: minmax(0, 1fr) auto;
      gap: 2px var(--v-s3);
    }
    .score-row .badges {
      order: 1;
    }
    .score-row strong {
      order: -1;
      grid-column: 2;
      grid-row: 1;
    }
  }
`;

/** One score, as a link. */
export function reviewRow(review: ReviewSummary, href: string) {
  return html`<a class="score-row" href=${href} data-testid="score-row">
    <span>${dateTime(review.submitted_at ?? review.call_at)}</span>
    <span class="ticket">${review.ticket_number ?? 'No ticket'}</span>
    <span>${review.agent.name}</span>
    <span class="quiet">by ${review.reviewer.name}</span>
    <span>${review.form} <span class="quiet">v${review.form_version_number}</span></span>
    <span class="badges">
      ${review.critical ? html`<vt-badge tone="danger">Critical</vt-badge>` : nothing}
      ${review.second ? html`<vt-badge>Second</vt-badge>` : nothing}
      ${review.dispute === 'open' ? html`<vt-badge tone="warn">Disputed</vt-badge>` : nothing}
    </span>
    <strong>${percent(review.score)}</strong>
  </a>`;
}

/** Which page of quality review stands at an address, and who is shown a way there. */
import { html } from 'lit';

import '../../elements/empty/empty.ts';
import type { Action, Me } from '../../protocol.ts';
import './calibration-page.ts';
import './form-page.ts';
import './forms-page.ts';
import './my-reviews.ts';
import type { Way } from './nav.ts';
import './reviews-page.ts';
import type { ReviewRoute } from './routes.ts';

const PAGES: readonly ReviewRoute['page'][] = ['reviews', 'forms', 'form', 'calibration', 'my-reviews'];

/** The pages of the console that somebody has. `search`: where the list of recordings stands. */
export function waysOf(rights: readonly Action[], page: string, search: string): Way[] {
  const way = (href: string, label: string, ...pages: string[]): Way => ({
    href,
    label,
    here: pages.includes(page),
  });
  return [
    ...(rights.includes('score_recordings')
      ? [
          way(search, 'Recordings', 'search', 'player', 'calibration', 'samples', 'sample'),
          way('#/reviews', 'Reviews', 'reviews'),
          way('#/forms', 'Forms', 'forms', 'form'),
        ]
      : []),
    ...(rights.includes('dispute_scores') ? [way('#/my-reviews', 'My reviews', 'my-reviews')] : []),
    ...(rights.includes('read_audit') ? [way('#/audit', 'Audit log', 'audit')] : []),
  ];
}

/** Whether an address is one of these pages. */
export function isReviewRoute(route: { readonly page: string }): route is ReviewRoute {
  return PAGES.includes(route.page as ReviewRoute['page']);
}

/** The page of a route. */
export function reviewPage(route: ReviewRoute, me: Me) {
  const manager = me.rights.includes('manage_forms');
  // The server decides; this only saves a page of refusals.
  if (!me.rights.includes(route.page === 'my-reviews' ? 'dispute_scores' : 'score_recordings')) {
    return html`<vt-empty icon="shield" heading="Not for you">
      ${route.page === 'my-reviews' ? 'Only people who take calls are reviewed.' : 'Scores and forms are for reviewers, supervisors and admins.'}
    </vt-empty>`;
  }
  switch (route.page) {
    case 'my-reviews':
      return html`<my-reviews .reviewId=${route.id}></my-reviews>`;
    case 'reviews':
      return html`<reviews-page ?manager=${manager}></reviews-page>`;
    case 'forms':
      return html`<forms-page ?manager=${manager}></forms-page>`;
    case 'form':
      return html`<form-page formId=${route.id} ?manager=${manager}></form-page>`;
    case 'calibration':
      return html`<calibration-page recordingId=${route.id}></calibration-page>`;
  }
}

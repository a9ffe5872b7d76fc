import { css, html, LitElement, nothing } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/badge/badge.ts';
import '../../elements/banner/banner.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import '../../elements/empty/empty.ts';
import '../../elements/spinner/spinner.ts';
import type { ReviewForm } from '../../protocol.ts';
import { dateTime } from '../../staff/format.ts';
import { reviewApi } from './api.ts';
import { emptyForm } from './form-model.ts';
import './icons.ts';
import { pageStyles } from './page-styles.ts';
import { reviewStyles } from './styles.ts';

/**
 * Every scorecard form: make, edit, duplicate, archive.
 *
 * @fires replay-message - something to show for a moment; `detail` is the text
 */
export class FormsPage extends LitElement {
  static override properties = { manager: { type: Boolean } };
  static override styles = [
    base,
    reviewStyles,
    pageStyles,
    css`
      .form {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--v-s2) var(--v-s4);
        padding: var(--v-s3) var(--v-s4);
        border-block-start: 1px solid var(--v-line);
        font-size: var(--v-text-sm);
      }
      li:first-child .form {
        border-block-start: 0;
      }
      .what {
        flex: 1 1 18rem;
        min-inline-size: 0;
      }
      .what a,
      .what strong {
        font-size: var(--v-text-md);
        font-weight: 600;
      }
      .archived .what {
        opacity: 0.75;
      }
    `,
  ];

  /** Whether forms may be changed, not only looked at. */
  declare manager: boolean;

  #forms: readonly ReviewForm[] | undefined;
  #problem = '';
  #busy = '';

  constructor() {
    super();
    this.manager = false;
  }

  override connectedCallback() {
    super.connectedCallback();
    void this.#load();
  }

  override render() {
    return html`<div class="title">
        <h1>Scorecard forms</h1>
        ${
          this.manager
            ? html`<vt-button variant="primary" icon="plus" data-testid="new-form" ?busy=${this.#busy === 'new'} @click=${this.#add}>New form</vt-button>`
            : nothing
        }
      </div>
      ${
        this.#problem
          ? html`<vt-banner tone="danger">
              ${this.#problem}
              <div slot="actions"><vt-button size="sm" icon="refresh" @click=${() => this.#load()}>Try again</vt-button></div>
            </vt-banner>`
          : nothing
      }
      ${this.#list()}`;
  }

  #list() {
    const forms = this.#forms;
    if (forms === undefined) {
      return this.#problem
        ? nothing
        : html`<div class="state" role="status"><vt-spinner></vt-spinner>Loading forms…</div>`;
    }
    if (forms.length === 0) {
      return html`<vt-empty icon="note" heading="No forms yet">
        A form has sections that weigh 100 % together, with yes/no and scale questions. Scores keep the version they were
        made on, whatever is changed later.
      </vt-empty>`;
    }
    return html`<ul class="plain card">${forms.map((form) => html`<li>${this.#row(form)}</li>`)}</ul>`;
  }

  #row(form: ReviewForm) {
    const content = form.draft ?? form.published?.content;
    const title = content?.title || 'Without a title';
    const questions = content?.sections.reduce((sum, section) => sum + section.questions.length, 0) ?? 0;
    const scores = form.versions.reduce((sum, version) => sum + version.scores, 0);
    return html`<div class="form ${form.archived_at ? 'archived' : ''}" data-testid="form-row">
      <div class="what">
        <a href=${`#/forms/${form.id}`}>${title}</a>
        <p class="quiet">
          ${questions === 1 ? '1 question' : `${questions} questions`} ·
          ${form.queue ? `queue ${form.queue}` : 'all queues'} ·
          ${scores === 1 ? '1 score' : `${scores} scores`}
        </p>
      </div>
      ${
        form.published
          ? html`<span class="quiet">version ${form.published.number}, ${dateTime(form.published.published_at)}</span>`
          : nothing
      }
      ${form.archived_at ? html`<vt-badge>Archived</vt-badge>` : nothing}
      ${form.draft ? html`<vt-badge tone="warn">${form.published ? 'Changed' : 'Draft'}</vt-badge>` : nothing}
      ${
        this.manager
          ? html`<div class="row">
              <vt-button size="sm" variant="quiet" icon="copy" label=${`Duplicate ${title}`} ?busy=${this.#busy === `copy-${form.id}`} @click=${() => this.#duplicate(form)}></vt-button>
              ${
                form.published
                  ? html`<vt-button size="sm" variant="quiet" @click=${() => this.#archive(form)}>${form.archived_at ? 'Offer again' : 'Archive'}</vt-button>`
                  : nothing
              }
            </div>`
          : nothing
      }
    </div>`;
  }

  readonly #add = (): Promise<void> =>
    this.#try('new', async () => {
      const form = await reviewApi.addForm({ content: emptyForm() });
      location.hash = `#/forms/${form.id}`;
    });

  #duplicate(form: ReviewForm) {
    return this.#try(`copy-${form.id}`, async () => {
      const copy = await reviewApi.duplicateForm(form.id);
      location.hash = `#/forms/${copy.id}`;
    });
  }

  #archive(form: ReviewForm) {
    return this.#try(`archive-${form.id}`, async () => {
      const archived = form.archived_at === undefined;
      await reviewApi.archiveForm(form.id, archived);
      this.#say(archived ? 'Archived: new scores cannot be made on it' : 'Offered again');
      this.#forms = await reviewApi.forms();
    });
  }

  #load() {
    return this.#try('', async () => {
      this.#forms = await reviewApi.forms();
    });
  }

  async #try(what: string, action: () => Promise<void>) {
    this.#busy = what;
    this.#problem = '';
    this.requestUpdate();
    try {
      await action();
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
    }
    this.#busy = '';
    this.requestUpdate();
  }

  #say(text: string) {
    this.dispatchEvent(
      new CustomEvent<string>('replay-message', { detail: text, bubbles: true, composed: true }),
    );
  }
}

define('forms-page', FormsPage);

declare global {
  interface HTMLElementTagNameMap {
    'forms-page': FormsPage;
  }
}

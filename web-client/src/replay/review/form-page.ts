import { css, html, LitElement, nothing, type PropertyValues } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/badge/badge.ts';
import '../../elements/banner/banner.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import '../../elements/field/field.ts';
import '../../elements/spinner/spinner.ts';
import type { FormContent, ReviewForm } from '../../protocol.ts';
import { api } from '../../staff/api.ts';
import { dateTime } from '../../staff/format.ts';
import '../../staff/icons.ts';
import { reviewApi } from './api.ts';
import { Autosave } from './autosave.ts';
import './builder.ts';
import { watchUnsaved } from './guard.ts';
import { pageStyles } from './page-styles.ts';
import './scorecard.ts';
import { reviewStyles } from './styles.ts';

/** What is being edited. */
interface Edited {
  readonly content: FormContent;
  readonly queue: string;
}

/**
 * One form: its draft, which keeps itself, what keeps it from being published, its versions, and how reviewers see it.
 *
 * @fires replay-message - something to show for a moment; `detail` is the text
 */
export class FormPage extends LitElement {
  static override properties = { formId: { type: String }, manager: { type: Boolean } };
  static override styles = [
    base,
    reviewStyles,
    pageStyles,
    css`
      .columns {
        display: grid;
        grid-template-columns: minmax(0, 1fr) 320px;
        gap: var(--v-s5);
        align-items: start;
      }
      aside {
        position: sticky;
        inset-block-start: 80px;
        display: grid;
        gap: var(--v-s4);
        padding: var(--v-s4);
        font-size: var(--v-text-sm);
      }
      aside h2 {
        margin-block-end: var(--v-s2);
        font-size: var(--v-text-sm);
      }
      .flaws {
        display: grid;
        gap: var(--v-s1);
        padding-inline-start: var(--v-s4);
      }
      .preview {
        padding: var(--v-s4);
      }
      @media (max-width: 960px) {
        .columns {
          grid-template-columns: minmax(0, 1fr);
        }
        aside {
          position: static;
        }
      }
    `,
  ];

  declare formId: string;
  /** Whether it may be changed. */
  declare manager: boolean;

  #form: ReviewForm | undefined;
  #edited: Edited = { content: { title: '', intro: '', sections: [] }, queue: '' };
  #queues: readonly string[] = [];
  #revision = 0;
  #preview = false;
  #busy = false;
  #problem = '';
  #unwatch = () => {};
  readonly #autosave = new Autosave<Edited>(
    (edited) => this.#save(edited),
    () => this.requestUpdate(),
  );

  constructor() {
    super();
    this.formId = '';
    this.manager = false;
  }

  override connectedCallback() {
    super.connectedCallback();
    this.#unwatch = watchUnsaved(this.#autosave);
    void this.#loadQueues();
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    void this.#autosave.flush();
    this.#unwatch();
  }

  override willUpdate(changed: PropertyValues<this>) {
    if (changed.has('formId') && this.formId !== '') void this.#load();
  }

  override render() {
    const form = this.#form;
    const back = html`<a class="back" href="#/forms"><vt-icon name="back"></vt-icon>Forms</a>`;
    const problem = this.#problem ? html`<vt-banner tone="danger">${this.#problem}</vt-banner>` : nothing;
    if (form === undefined) {
      return this.#problem
        ? html`${back}${problem}`
        : html`${back}<div class="state" role="status"><vt-spinner></vt-spinner>Loading the form…</div>`;
    }
    const { content } = this.#edited;
    const editing = this.manager && !this.#preview;
    return html`<div class="title">
        ${back}
        <h1>${content.title || 'New form'}</h1>
        ${
          this.manager
            ? html`<vt-button size="sm" .pressed=${this.#preview} data-testid="preview" @click=${this.#togglePreview}>Preview</vt-button>`
            : nothing
        }
      </div>
      ${problem}
      <div class="columns">
        ${
          editing
            ? html`<form-builder .content=${content} .flaws=${form.flaws} @form-changed=${(event: CustomEvent<FormContent>) => this.#set({ content: event.detail })}></form-builder>`
            : html`<div class="card preview"><review-scorecard .form=${content}></review-scorecard></div>`
        }
        <aside class="card" aria-label="Publishing">${this.#side(form)}</aside>
      </div>`;
  }

  #side(form: ReviewForm) {
    const unfinished = form.draft !== undefined || this.#autosave.unsaved;
    return html`
      ${this.manager ? this.#queue() : html`<p>For ${form.queue ? `calls of the queue ${form.queue}` : 'all calls'}.</p>`}
      ${
        this.manager
          ? html`<div>
              <p class="quiet" role="status" data-testid="form-state">${this.#saveWords(unfinished)}</p>
              ${
                form.flaws.length > 0
                  ? html`<h2>Before it can be published</h2>
                      <ul class="flaws" data-testid="flaws">${form.flaws.map(({ detail }) => html`<li>${detail}</li>`)}</ul>`
                  : nothing
              }
            </div>
            <div class="row">
              <vt-button variant="primary" data-testid="publish" ?busy=${this.#busy} ?disabled=${!unfinished || form.flaws.length > 0} @click=${this.#publish}>
                Publish version ${(form.published?.number ?? 0) + 1}
              </vt-button>
              ${
                form.draft
                  ? html`<vt-button variant="quiet" icon="trash" @click=${this.#discard}>${form.published ? 'Discard changes' : 'Delete'}</vt-button>`
                  : nothing
              }
            </div>`
          : nothing
      }
      ${
        form.versions.length > 0
          ? html`<div>
              <h2>Versions</h2>
              <ul class="plain">
                ${form.versions.map(
                  ({ number, published_at, scores }) => html`<li>
                    <strong>${number}</strong>
                    <span class="quiet">${dateTime(published_at)} · ${scores === 1 ? '1 score' : `${scores} scores`}</span>
                  </li>`,
                )}
              </ul>
              <p class="quiet">Versions never change: scores keep the one they were made on.</p>
            </div>`
          : html`<p class="quiet">Reviewers can use it when it is published. Published versions never change.</p>`
      }
    `;
  }

  #queue() {
    const known = this.#queues.map((name) => ({ value: name, label: name }));
    const { queue } = this.#edited;
    const unknown = queue !== '' && !this.#queues.includes(queue) ? [{ value: queue, label: queue }] : [];
    return html`<vt-field
      label="For calls of"
      hint="Takes effect at once."
      .value=${queue}
      .options=${[{ value: '', label: 'All queues' }, ...known, ...unknown]}
      @change=${(event: Event) => {
        const { value } = event.target as HTMLElementTagNameMap['vt-field'];
        if (value !== this.#edited.queue) this.#set({ queue: value });
      }}
    ></vt-field>`;
  }

  #saveWords(unfinished: boolean): string {
    const state = this.#autosave.state;
    switch (state.kind) {
      case 'dirty':
      case 'saving':
        return 'Saving…';
      case 'failed':
        return `Not saved: ${state.message}`;
      default:
        return unfinished ? 'The draft is saved.' : 'Nothing differs from the newest version.';
    }
  }

  readonly #togglePreview = (): void => {
    this.#preview = !this.#preview;
    this.requestUpdate();
  };

  #set(change: Partial<Edited>) {
    this.#edited = { ...this.#edited, ...change };
    this.#autosave.set(this.#edited);
    this.requestUpdate();
  }

  async #save({ content, queue }: Edited) {
    const saved = await reviewApi.saveForm(this.formId, {
      content,
      revision: this.#revision,
      ...(queue === '' ? {} : { queue }),
    });
    this.#revision = saved.revision;
    this.#form = saved;
  }

  readonly #publish = async (): Promise<void> => {
    this.#busy = true;
    this.#problem = '';
    this.requestUpdate();
    try {
      if (await this.#autosave.flush()) {
        this.#take(await reviewApi.publishForm(this.formId, this.#revision));
        this.#say(`Version ${this.#form?.published?.number} is published`);
      }
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
    }
    this.#busy = false;
    this.requestUpdate();
  };

  readonly #discard = async (): Promise<void> => {
    const published = this.#form?.published !== undefined;
    if (!confirm(published ? 'Discard all changes since the newest version?' : 'Delete this form?')) return;
    this.#autosave.drop();
    try {
      await reviewApi.discardForm(this.formId);
      if (published) await this.#load();
      else location.hash = '#/forms';
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
      this.requestUpdate();
    }
  };

  async #load() {
    this.#problem = '';
    try {
      this.#take(await reviewApi.form(this.formId));
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
    }
    this.requestUpdate();
  }

  /** Without them only the queue that is set can be chosen, which is no reason to stop. */
  async #loadQueues() {
    try {
      this.#queues = (await api.queues()).map(({ name }) => name);
      this.requestUpdate();
    } catch {
      this.#queues = [];
    }
  }

  #take(form: ReviewForm) {
    this.#form = form;
    this.#revision = form.revision;
    const content = form.draft ?? form.published?.content ?? { title: '', intro: '', sections: [] };
    this.#edited = { content, queue: form.queue ?? '' };
  }

  #say(text: string) {
    this.dispatchEvent(
      new CustomEvent<string>('replay-message', { detail: text, bubbles: true, composed: true }),
    );
  }
}

define('form-page', FormPage);

declare global {
  interface HTMLElementTagNameMap {
    'form-page': FormPage;
  }
}

import { css, html, LitElement, nothing } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/banner/banner.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import '../../elements/empty/empty.ts';
import '../../elements/spinner/spinner.ts';
import type { Sample } from '../../protocol.ts';
import { api } from '../../staff/api.ts';
import { dateTime } from '../../staff/format.ts';
import '../../staff/icons.ts';
import { pageStyles } from '../page-styles.ts';
import { wordsOf } from './news.ts';
import { ruleWords } from './rule-words.ts';
import './sample-dialog.ts';

type State =
  | { readonly kind: 'loading' }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'there'; readonly samples: readonly Sample[] };

/** Every worklist and how far it is. */
export class ReplaySamples extends LitElement {
  static override properties = { me: { type: String }, state: { state: true }, making: { state: true } };
  static override styles = [
    base,
    pageStyles,
    css`
      :host {
        --page-inline-size: 1000px;
      }
      ul {
        display: grid;
        gap: var(--v-s3);
        list-style: none;
      }
      .sample {
        display: grid;
        grid-template-columns: minmax(0, 1fr) minmax(9rem, 14rem);
        gap: var(--v-s1) var(--v-s4);
        align-items: center;
        padding: var(--v-s4);
        border: 1px solid var(--v-line);
        border-radius: var(--v-radius);
        background: var(--v-surface);
        color: inherit;
        font-size: var(--v-text-sm);
        text-decoration: none;
      }
      .sample:hover {
        background: var(--v-hover);
      }
      .name {
        color: var(--v-accent);
        font-size: var(--v-text-md);
        font-weight: 600;
        overflow-wrap: anywhere;
      }
      .quiet {
        color: var(--v-muted);
      }
      .progress {
        display: grid;
        gap: var(--v-s1);
        grid-row: 1 / span 2;
        grid-column: 2;
      }
      .middle {
        display: grid;
        place-items: center;
        gap: var(--v-s3);
        padding: var(--v-s7);
        color: var(--v-muted);
      }
      @media (max-width: 640px) {
        .sample {
          grid-template-columns: minmax(0, 1fr);
        }
        .progress {
          grid-area: auto;
        }
      }
    `,
  ];

  /** Who looks at it. */
  declare me: string;
  declare state: State;
  declare making: boolean;

  constructor() {
    super();
    this.me = '';
    this.state = { kind: 'loading' };
    this.making = false;
  }

  override connectedCallback() {
    super.connectedCallback();
    void this.load();
  }

  async load(): Promise<void> {
    try {
      this.state = { kind: 'there', samples: await api.samples() };
    } catch (error) {
      this.state = { kind: 'failed', message: wordsOf(error) };
    }
  }

  override render() {
    return html`<a class="back" href="#/"><vt-icon name="back"></vt-icon>Recordings</a>
      <div class="top">
        <h1>Worklists</h1>
        <vt-button icon="dice" data-testid="make-sample" @click=${() => {
          this.making = true;
        }}>Draw a sample</vt-button>
      </div>
      ${this.#body()}
      ${
        this.making
          ? html`<replay-sample-dialog @vt-close=${() => {
              this.making = false;
            }}></replay-sample-dialog>`
          : nothing
      }`;
  }

  #body() {
    const { state } = this;
    switch (state.kind) {
      case 'loading':
        return html`<div class="middle" role="status"><vt-spinner></vt-spinner>Loading worklists…</div>`;
      case 'failed':
        return html`<vt-banner tone="danger" heading="The worklists could not be loaded">
          ${state.message}
          <div slot="actions"><vt-button size="sm" icon="refresh" @click=${() => this.load()}>Try again</vt-button></div>
        </vt-banner>`;
      case 'there':
        return state.samples.length === 0
          ? html`<vt-empty icon="dice" heading="No worklists yet">
              Draw a sample, such as a tenth of each agent’s calls of this week, or choose recordings in the list.
            </vt-empty>`
          : html`<ul>
              ${state.samples.map((sample) => this.#sample(sample))}
            </ul>`;
    }
  }

  #sample(sample: Sample) {
    const mine = sample.reviewers.find(({ id }) => id === this.me);
    const people = sample.reviewers.map(({ name }) => name).join(', ');
    return html`<li>
      <a class="sample" href="#/samples/${encodeURIComponent(sample.id)}" data-testid="sample-row">
        <span class="name" dir="auto">${sample.name}</span>
        <span class="quiet">
          ${ruleWords(sample)} · ${dateTime(sample.created_at)} · by ${sample.created_by}${people ? ` · for ${people}` : ''}
        </span>
        <span class="progress">
          <progress aria-hidden="true" max=${Math.max(1, sample.total)} .value=${sample.reviewed}></progress>
          <span>
            ${sample.reviewed} of ${sample.total} reviewed${mine && mine.total > 0 ? `; of yours ${mine.total - mine.reviewed} left` : ''}
          </span>
        </span>
      </a>
    </li>`;
  }
}

define('replay-samples', ReplaySamples);

declare global {
  interface HTMLElementTagNameMap {
    'replay-samples': ReplaySamples;
  }
}

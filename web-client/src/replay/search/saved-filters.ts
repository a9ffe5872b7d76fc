import { css, html, LitElement, nothing } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/badge/badge.ts';
import '../../elements/banner/banner.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import '../../elements/dialog/dialog.ts';
import '../../elements/empty/empty.ts';
import '../../elements/field/field.ts';
import type { SavedFilter } from '../../protocol.ts';
import { api } from '../../staff/api.ts';
import '../../staff/icons.ts';
import { tell, wordsOf } from './news.ts';
import { parseQuery, type RecordingQuery, sameQuery, writeQuery } from './query.ts';

/** What the dialog for a name is about: a new filter, or one that gets another name. */
type Naming = { readonly of: SavedFilter | undefined; name: string; shared: boolean; problem: string };

/**
 * The filters that people keep: choose one, keep the present one, rename, share, delete (and undo), begin with it.
 *
 * @fires saved-filter - one was chosen; `detail` is its query
 */
export class ReplaySavedFilters extends LitElement {
  static override properties = {
    filters: { attribute: false },
    query: { attribute: false },
    listing: { state: true },
    naming: { state: true },
    busy: { state: true },
  };
  static override styles = [
    base,
    css`
      :host {
        display: inline-flex;
        flex-wrap: wrap;
        gap: var(--v-s2);
      }
      ul {
        display: grid;
        gap: var(--v-s2);
        list-style: none;
      }
      li {
        display: grid;
        grid-template-columns: minmax(0, 1fr) auto;
        gap: var(--v-s1) var(--v-s2);
        align-items: center;
        padding-block: var(--v-s2);
        padding-inline: var(--v-s3) var(--v-s2);
        border: 1px solid var(--v-line);
        border-radius: var(--v-radius-sm);
      }
      .pick {
        display: grid;
        gap: 2px;
        min-block-size: var(--v-target);
        padding: 0;
        border: 0;
        background: none;
        color: var(--v-accent);
        font: 600 var(--v-text-md) / 1.25 var(--v-font);
        text-align: start;
        align-content: center;
        cursor: pointer;
        overflow-wrap: anywhere;
      }
      .about {
        color: var(--v-muted);
        font: 400 var(--v-text-sm) / 1.25 var(--v-font);
      }
      .tools {
        display: flex;
      }
      form {
        display: grid;
        gap: var(--v-s4);
      }
      label {
        display: flex;
        gap: var(--v-s2);
        align-items: center;
        min-block-size: var(--v-target);
        cursor: pointer;
      }
      input[type='checkbox'] {
        inline-size: 20px;
        block-size: 20px;
        margin: 0;
        accent-color: var(--v-accent);
      }
    `,
  ];

  declare filters: readonly SavedFilter[];
  declare query: RecordingQuery;
  declare listing: boolean;
  declare naming: Naming | undefined;
  declare busy: boolean;

  constructor() {
    super();
    this.filters = [];
    this.query = {};
    this.listing = false;
    this.naming = undefined;
    this.busy = false;
  }

  override connectedCallback() {
    super.connectedCallback();
    void this.load();
  }

  /** Asks the server for the list; answers it, empty when that does not work. */
  async load(): Promise<readonly SavedFilter[]> {
    try {
      this.filters = await api.savedFilters();
    } catch (error) {
      // Searching goes on without them; the list says so when it is opened.
      if (this.listing) tell(this, wordsOf(error), 'danger');
    }
    return this.filters;
  }

  override render() {
    const present = this.filters.find(({ query }) => sameQuery(parseQuery(query), this.query));
    const empty = writeQuery(this.query) === '';
    return html`<vt-button
        icon="bookmark"
        data-testid="saved-filters"
        @click=${() => {
          this.listing = true;
          void this.load();
        }}
        >${present ? present.name : 'Saved filters'}</vt-button
      >
      ${
        empty || present
          ? nothing
          : html`<vt-button variant="quiet" data-testid="save-filter" @click=${() => this.#name(undefined)}>Save filter</vt-button>`
      }
      ${this.#list()} ${this.#dialog()}`;
  }

  #list() {
    return html`<vt-dialog
      heading="Saved filters"
      ?open=${this.listing && !this.naming}
      @vt-close=${() => {
        this.listing = false;
      }}
    >
      ${
        this.filters.length === 0
          ? html`<vt-empty icon="bookmark" heading="No saved filters yet">
              Set some filters, then choose “Save filter” to keep them for yourself or the team.
            </vt-empty>`
          : html`<ul>
              ${this.filters.map((filter) => this.#row(filter))}
            </ul>`
      }
    </vt-dialog>`;
  }

  #row(filter: SavedFilter) {
    const about = [
      filter.is_default ? 'Your list begins with it' : '',
      filter.mine ? (filter.shared ? 'Shared with the team' : '') : `From ${filter.owner}`,
    ].filter(Boolean);
    return html`<li data-testid="saved-filter">
      <button type="button" class="pick" @click=${() => this.#pick(filter)}>
        ${filter.name}${about.length > 0 ? html`<span class="about">${about.join(' · ')}</span>` : nothing}
      </button>
      <span class="tools">
        <vt-button
          variant="quiet"
          icon="home"
          data-testid="filter-default"
          .pressed=${filter.is_default}
          label="Begin with ${filter.name}"
          @click=${() => this.#begin(filter)}
        ></vt-button>
        ${
          filter.mine
            ? html`<vt-button variant="quiet" icon="edit" label="Rename or share ${filter.name}" data-testid="filter-edit" @click=${() => this.#name(filter)}></vt-button>
                <vt-button variant="quiet" icon="trash" label="Delete ${filter.name}" data-testid="filter-delete" @click=${() => this.#delete(filter)}></vt-button>`
            : nothing
        }
      </span>
    </li>`;
  }

  #dialog() {
    const { naming } = this;
    return html`<vt-dialog
      heading=${naming?.of ? 'Rename or share' : 'Save these filters'}
      ?open=${naming !== undefined}
      @vt-close=${() => {
        this.naming = undefined;
      }}
    >
      <form id="naming" @submit=${this.#save}>
        <vt-field
          label="Name"
          maxlength="80"
          required
          placeholder="e.g. Unhappy buyers this week"
          testid="filter-name"
          error=${naming?.problem ?? ''}
          .value=${naming?.name ?? ''}
          @input=${(event: Event) => {
            if (naming) naming.name = (event.currentTarget as HTMLElementTagNameMap['vt-field']).value;
          }}
        ></vt-field>
        <label>
          <input
            type="checkbox"
            data-testid="filter-shared"
            .checked=${naming?.shared ?? false}
            @change=${(event: Event) => {
              if (naming) naming.shared = (event.target as HTMLInputElement).checked;
            }}
          />Share with everybody who reviews
        </label>
      </form>
      <vt-button slot="actions" @click=${() => {
        this.naming = undefined;
      }}>Cancel</vt-button>
      <vt-button slot="actions" variant="primary" data-testid="filter-save" ?busy=${this.busy} @click=${this.#save}>Save</vt-button>
    </vt-dialog>`;
  }

  #name(of: SavedFilter | undefined) {
    this.naming = { of, name: of?.name ?? '', shared: of?.shared ?? false, problem: '' };
  }

  #pick(filter: SavedFilter) {
    this.listing = false;
    this.dispatchEvent(new CustomEvent<RecordingQuery>('saved-filter', { detail: parseQuery(filter.query) }));
  }

  async #save(event: Event) {
    event.preventDefault();
    const { naming } = this;
    if (!naming || this.busy) return;
    const { of, name, shared } = naming;
    this.busy = true;
    try {
      if (of) await api.changeSavedFilter(of.id, { name, shared, query: of.query });
      else await api.saveFilter({ name, shared, query: writeQuery(this.query) });
      this.naming = undefined;
      await this.load();
      tell(this, of ? 'Filter changed' : `“${name.trim()}” is saved`);
    } catch (error) {
      this.naming = { ...naming, problem: wordsOf(error) };
    } finally {
      this.busy = false;
    }
  }

  async #begin(filter: SavedFilter) {
    try {
      await api.setDefaultFilter(filter.id, !filter.is_default);
      await this.load();
    } catch (error) {
      tell(this, wordsOf(error), 'danger');
    }
  }

  async #delete(filter: SavedFilter) {
    try {
      await api.deleteSavedFilter(filter.id);
      await this.load();
      tell(this, `“${filter.name}” is deleted`, 'ok', {
        label: 'Undo',
        run: async () => {
          await api.restoreSavedFilter(filter.id);
          await this.load();
        },
      });
    } catch (error) {
      tell(this, wordsOf(error), 'danger');
    }
  }
}

define('replay-saved-filters', ReplaySavedFilters);

declare global {
  interface HTMLElementTagNameMap {
    'replay-saved-filters': ReplaySavedFilters;
  }
}

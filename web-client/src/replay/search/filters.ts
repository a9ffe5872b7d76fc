import { css, html, LitElement, nothing } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import '../../elements/field/field.ts';
import type { Facet, Facets, Flag, Outcome } from '../../protocol.ts';
import { countryName, languageName } from '../../staff/format.ts';
import '../../staff/icons.ts';
import { may } from '../govern/viewer.ts';
import {
  agentName,
  type Choice,
  chips,
  FLAGS,
  LENGTHS,
  offered,
  outcomeName,
  PERIODS,
  queueName,
  RATINGS,
  type Range,
  rangeOf,
  SCORES,
  SORTS,
  searchableFlags,
  withRange,
} from './choices.ts';
import { changed, type Field, listOf, type RecordingQuery } from './query.ts';

/** The choice of the period that shows two dates. */
const DATES = 'dates';

/**
 * The filters of a search: words, period and order in sight, the others behind a button, and those that are set as
 * chips that can be taken away.
 *
 * @fires filters-change - other filters; `detail` is `{ query, typing }`, where `typing` means that more letters may come
 * @slot - beside the button that shows the filters
 */
export class ReplayFilters extends LitElement {
  static override properties = {
    query: { attribute: false },
    facets: { attribute: false },
    outcomes: { attribute: false },
    problem: { attribute: false },
    open: { state: true },
    dates: { state: true },
  };
  static override styles = [
    base,
    css`
      :host {
        display: grid;
        gap: var(--v-s3);
      }
      .line {
        display: grid;
        grid-template-columns: minmax(14rem, 1fr) minmax(9rem, 12rem) minmax(9rem, 12rem) auto;
        gap: var(--v-s3);
        align-items: end;
      }
      .tools {
        display: flex;
        flex-wrap: wrap;
        gap: var(--v-s2);
        align-items: center;
      }
      .panel {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(min(13rem, 100%), 1fr));
        gap: var(--v-s3);
        padding: var(--v-s4);
        border: 1px solid var(--v-line);
        border-radius: var(--v-radius);
        background: var(--v-surface);
      }
      fieldset {
        grid-column: 1 / -1;
        display: flex;
        flex-wrap: wrap;
        gap: var(--v-s2);
        min-inline-size: 0;
        margin: 0;
        padding: 0;
        border: 0;
      }
      legend {
        padding: 0;
        margin-block-end: var(--v-s1);
        font-size: var(--v-text-sm);
        font-weight: 600;
      }
      ul {
        display: flex;
        flex-wrap: wrap;
        gap: var(--v-s2);
        align-items: center;
        list-style: none;
      }
      .chip {
        display: inline-flex;
        align-items: center;
        gap: var(--v-s1);
        min-block-size: 32px;
        padding: 2px var(--v-s2) 2px var(--v-s3);
        border: 1px solid transparent;
        border-radius: var(--v-radius-full);
        background: var(--v-accent-soft);
        color: var(--v-on-accent-soft);
        font: 600 var(--v-text-sm) / 1.25 var(--v-font);
        cursor: pointer;
        --vt-icon-size: 16px;
      }
      .chip:hover {
        border-color: currentColor;
      }
      @media (max-width: 860px) {
        .line {
          grid-template-columns: 1fr 1fr;
        }
        .line > :first-child,
        .tools {
          grid-column: 1 / -1;
        }
      }
    `,
  ];

  declare query: RecordingQuery;
  declare facets: Facets | undefined;
  declare outcomes: readonly Outcome[];
  /** The field that the server refuses, and why. */
  declare problem: { readonly field: string; readonly text: string } | undefined;
  declare open: boolean;
  /** Two dates are shown although none is set yet. */
  declare dates: boolean;

  constructor() {
    super();
    this.query = {};
    this.facets = undefined;
    this.outcomes = [];
    this.problem = undefined;
    this.open = false;
    this.dates = false;
  }

  /** Puts the cursor into the field for words. */
  override focus(): void {
    this.renderRoot.querySelector<HTMLElement>('vt-field')?.focus();
  }

  override render() {
    const { query } = this;
    const set = chips(query, { facets: this.facets, outcomes: this.outcomes });
    const dated = this.dates || query.from !== undefined || query.to !== undefined;
    return html`<form class="line" role="search" @submit=${this.#submit}>
        <vt-field
          label="Search"
          name="q"
          type="search"
          icon="search"
          placeholder="Ticket, agent, product or notes"
          autocomplete="off"
          maxlength="200"
          testid="search-input"
          error=${this.#wrong('q')}
          .value=${query.q ?? ''}
          @input=${(event: Event) => this.#say({ q: textOf(event) }, true)}
        ></vt-field>
        ${this.#choice('Period', 'period', 'Any time', [...PERIODS, { value: DATES, label: 'Choose dates…' }], dated ? DATES : (query.period ?? ''), (value) => this.#period(value))}
        ${this.#choice('Order', 'sort', '', SORTS, query.sort ?? 'newest', (sort) => this.#say({ sort }))}
        <div class="tools">
          <vt-button
            data-testid="filters"
            .expanded=${this.open}
            icon="sliders"
            @click=${() => {
              this.open = !this.open;
            }}
          >Filters${set.length > 0 ? ` (${set.length})` : ''}</vt-button>
          <slot></slot>
        </div>
      </form>
      ${this.open || dated ? this.#panel(dated) : nothing}
      ${set.length > 0 ? this.#chips(set) : nothing}`;
  }

  #panel(dated: boolean) {
    const { query, facets } = this;
    const flags = listOf(query.flag);
    return html`<div class="panel" role="group" aria-label="Filters" data-testid="filter-panel">
      ${dated ? html`${this.#date('From', 'from')}${this.#date('To and including', 'to')}` : nothing}
      ${
        this.open
          ? html`${this.#facet('Agent', 'agent', 'Any agent', facets?.agents, (one) => agentName(one, facets))}
            ${this.#facet('Queue', 'queue', 'Any queue', facets?.queues, (one) => queueName(one, facets))}
            ${this.#facet('Market', 'market', 'Any country', facets?.markets, countryName)}
            ${this.#facet('Language', 'language', 'Any language', facets?.languages, languageName)}
            ${this.#facet('Outcome', 'outcome', 'Any outcome', facets?.outcomes, (code) => outcomeName(code, this.outcomes))}
            <vt-field
              label="Product or SKU"
              type="search"
              placeholder="Any product"
              autocomplete="off"
              maxlength="200"
              testid="search-product"
              error=${this.#wrong('product')}
              .value=${query.product ?? ''}
              @input=${(event: Event) => this.#say({ product: textOf(event) }, true)}
            ></vt-field>
            ${this.#range('Rating', 'csat', 'Any rating', RATINGS)}
            ${this.#range('Score', 'score', 'Any score', SCORES)}
            ${this.#range('Length', 'duration', 'Any length', LENGTHS)}
            <fieldset>
              <legend>Only with</legend>
              ${searchableFlags(may('hold_recordings'), flags).map(
                (flag) => html`<vt-button
                  size="sm"
                  data-testid="flag-${flag}"
                  .pressed=${flags.includes(flag)}
                  @click=${() => this.#flag(flag)}
                  >${FLAGS[flag].label}${countOf(facets?.flags, flag)}</vt-button
                >`,
              )}
            </fieldset>`
          : nothing
      }
    </div>`;
  }

  #chips(set: ReturnType<typeof chips>) {
    return html`<ul aria-label="Filters that are set">
      ${set.map(
        ({ fields, label }) => html`<li>
          <button class="chip" type="button" data-testid="chip" aria-label="Remove filter: ${label}" @click=${() => this.#remove(fields)}>
            ${label}<vt-icon name="close"></vt-icon>
          </button>
        </li>`,
      )}
      <li><vt-button size="sm" variant="quiet" data-testid="clear-filters" @click=${this.#clear}>Clear all</vt-button></li>
    </ul>`;
  }

  #choice(
    label: string,
    name: string,
    none: string,
    choices: readonly Choice[],
    value: string,
    choose: (value: string) => void,
  ) {
    const known = value === '' || choices.some((choice) => choice.value === value);
    const options = [
      ...(none ? [{ value: '', label: none }] : []),
      ...(known ? [] : [{ value, label: 'As in the address' }]),
      ...choices,
    ];
    return html`<vt-field
      label=${label}
      testid="filter-${name}"
      error=${this.#wrong(name)}
      .options=${options}
      .value=${value}
      @change=${(event: Event) => choose(textOf(event))}
    ></vt-field>`;
  }

  #facet(
    label: string,
    field: Field,
    none: string,
    facets: readonly Facet[] | undefined,
    words: (value: string) => string,
  ) {
    const value = this.query[field] ?? '';
    const choices = offered(facets ?? [], value, words);
    const same = choices.find((choice) => choice.value.toLowerCase() === value.toLowerCase());
    return this.#choice(label, field, none, choices, same?.value ?? value, (chosen) =>
      this.#say({ [field]: chosen }),
    );
  }

  #range(label: string, name: Range, none: string, choices: readonly Choice[]) {
    return this.#choice(label, name, none, choices, rangeOf(this.query, name), (value) =>
      this.#tell(withRange(this.query, name, value)),
    );
  }

  #date(label: string, field: 'from' | 'to') {
    return html`<vt-field
      label=${label}
      type="date"
      testid="filter-${field}"
      error=${this.#wrong(field)}
      .value=${this.query[field]?.slice(0, 10) ?? ''}
      @change=${(event: Event) => this.#say({ [field]: textOf(event), period: '' })}
    ></vt-field>`;
  }

  #wrong(field: string): string {
    const { problem } = this;
    return problem && (problem.field === field || problem.field.startsWith(`${field}_`)) ? problem.text : '';
  }

  #period(value: string) {
    this.dates = value === DATES;
    this.#say({ period: value === DATES ? '' : value, from: '', to: '' });
  }

  #flag(flag: Flag) {
    const set = listOf(this.query.flag);
    const next = set.includes(flag) ? set.filter((one) => one !== flag) : [...set, flag];
    this.#say({ flag: next.join(',') });
  }

  #remove(fields: readonly Field[]) {
    if (fields.includes('from')) this.dates = false;
    this.#say(Object.fromEntries(fields.map((field) => [field, ''])));
    this.focus();
  }

  #clear() {
    this.dates = false;
    this.#tell(this.query.sort ? { sort: this.query.sort } : {});
    this.focus();
  }

  #submit(event: Event) {
    event.preventDefault();
    this.#tell(this.query);
  }

  #say(changes: RecordingQuery, typing = false) {
    this.#tell(changed(this.query, changes), typing);
  }

  #tell(query: RecordingQuery, typing = false) {
    this.dispatchEvent(new CustomEvent('filters-change', { detail: { query, typing } }));
  }
}

function textOf(event: Event): string {
  return (event.currentTarget as HTMLElementTagNameMap['vt-field']).value;
}

function countOf(facets: readonly Facet[] | undefined, value: string): string {
  return facets ? ` (${facets.find((facet) => facet.value === value)?.count ?? 0})` : '';
}

define('replay-filters', ReplayFilters);

declare global {
  interface HTMLElementTagNameMap {
    'replay-filters': ReplayFilters;
  }
}

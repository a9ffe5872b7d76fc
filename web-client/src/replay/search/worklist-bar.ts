import { css, html, LitElement, nothing, type PropertyValues } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/badge/badge.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import type { SamplePlace } from '../../protocol.ts';
import { api } from '../../staff/api.ts';
import '../../staff/icons.ts';
import { tell, wordsOf } from './news.ts';

/** Above the player: where the recording stands in a worklist, the ones before and after, and being done with it. */
export class ReplayWorklistBar extends LitElement {
  static override properties = {
    sample: { type: String },
    recording: { type: String },
    place: { state: true },
    busy: { state: true },
  };
  static override styles = [
    base,
    css`
      :host {
        display: block;
        border-block-end: 1px solid var(--v-line);
        background: var(--v-sunken);
        font-size: var(--v-text-sm);
      }
      nav {
        display: flex;
        flex-wrap: wrap;
        gap: var(--v-s2) var(--v-s4);
        align-items: center;
        justify-content: space-between;
        inline-size: min(1520px, 100%);
        min-block-size: 52px;
        margin-inline: auto;
        padding: var(--v-s1) var(--v-s5);
      }
      .where,
      .tools {
        display: flex;
        flex-wrap: wrap;
        gap: var(--v-s2);
        align-items: center;
        min-inline-size: 0;
      }
      a {
        display: inline-flex;
        align-items: center;
        min-block-size: 32px;
        color: var(--v-accent);
        font-weight: 600;
        overflow-wrap: anywhere;
      }
      .quiet {
        color: var(--v-muted);
      }
      @media (max-width: 720px) {
        nav {
          padding-inline: var(--v-s4);
        }
        .tools {
          inline-size: 100%;
        }
      }
    `,
  ];

  /** The worklist. */
  declare sample: string;
  /** The recording that is played. */
  declare recording: string;
  declare place: SamplePlace | undefined;
  declare busy: boolean;
  #gone = false;

  constructor() {
    super();
    this.sample = '';
    this.recording = '';
    this.place = undefined;
    this.busy = false;
  }

  override willUpdate(changed: PropertyValues<this>) {
    if (changed.has('sample') || changed.has('recording')) void this.load();
  }

  /** N, P and R. Says whether the key meant something. */
  key(event: KeyboardEvent): boolean {
    switch (event.key) {
      case 'n':
        return this.#go(this.place?.next);
      case 'p':
        return this.#go(this.place?.previous);
      case 'r':
        void this.#mark();
        return this.place !== undefined;
      default:
        return false;
    }
  }

  /** Asks the server where the recording stands: scoring it may have marked it as reviewed. */
  async load(): Promise<void> {
    const { sample, recording } = this;
    try {
      const place = await api.samplePlace(sample, recording);
      if (recording === this.recording) this.place = place;
      this.#gone = false;
    } catch {
      // A worklist that was deleted, or that the recording is not in: the recording is played without it.
      this.place = undefined;
      this.#gone = true;
    }
    this.requestUpdate();
  }

  override render() {
    const list = `#/samples/${encodeURIComponent(this.sample)}`;
    const { place } = this;
    if (!place) {
      return html`<nav aria-label="Worklist">
        <span class="where">${this.#gone ? html`<span class="quiet">This recording is not in the worklist (any more).</span>` : nothing}
          <a href=${list}>Worklist</a></span>
      </nav>`;
    }
    const done = place.reviewed_at !== undefined;
    return html`<nav aria-label="Worklist" data-testid="worklist">
      <span class="where">
        <a href=${list} dir="auto">${place.name}</a>
        <span data-testid="worklist-place">${place.position} of ${place.total}</span>
        <span class="quiet">${place.reviewed} reviewed</span>
        ${done ? html`<vt-badge tone="ok">Reviewed</vt-badge>` : nothing}
      </span>
      <span class="tools">
        <vt-button size="sm" icon="check" data-testid="worklist-done" .pressed=${done} ?busy=${this.busy} @click=${this.#mark}>Reviewed</vt-button>
        <vt-button size="sm" icon="back" data-testid="worklist-previous" ?disabled=${!place.previous} @click=${() => this.#go(place.previous)}>Previous</vt-button>
        <vt-button size="sm" data-testid="worklist-next" ?disabled=${!place.next} @click=${() => this.#go(place.next)}>Next</vt-button>
      </span>
    </nav>`;
  }

  #go(recording: string | undefined): boolean {
    if (!recording) return false;
    location.hash = `#/r/${encodeURIComponent(recording)}?w=${encodeURIComponent(this.sample)}`;
    return true;
  }

  async #mark() {
    const { place } = this;
    if (!place || this.busy) return;
    this.busy = true;
    try {
      const done = place.reviewed_at === undefined;
      const now = await api.setReviewed(this.sample, this.recording, done);
      this.place = now;
      const next = now.next_open;
      if (!done) tell(this, 'Not reviewed after all');
      else if (next) tell(this, 'Reviewed', 'ok', { label: 'Next one', run: () => this.#go(next) });
      else
        tell(
          this,
          now.reviewed === now.total ? 'Reviewed: the worklist is done' : 'Reviewed: yours are done',
        );
    } catch (error) {
      tell(this, wordsOf(error), 'danger');
    } finally {
      this.busy = false;
    }
  }
}

define('replay-worklist-bar', ReplayWorklistBar);

declare global {
  interface HTMLElementTagNameMap {
    'replay-worklist-bar': ReplayWorklistBar;
  }
}

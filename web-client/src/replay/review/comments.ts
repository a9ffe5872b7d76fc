import { css, html, LitElement, nothing, type PropertyValues } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/badge/badge.ts';
import '../../elements/banner/banner.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import '../../elements/field/field.ts';
import type { NewComment, TimelineComment } from '../../protocol.ts';
import { dateTime } from '../../staff/format.ts';
import type { TimelineMarker } from '../player/marker.ts';
import { playerRoute } from '../route.ts';
import { reviewApi } from './api.ts';
import { markersOf, placeOf, withComment, withEnd } from './comment-model.ts';
import { watchUnsaved } from './guard.ts';
import './icons.ts';
import { reviewStyles } from './styles.ts';

/** What is being written: a new comment, or another wording of one. */
interface Writing {
  readonly id: string | undefined;
  readonly comment: NewComment;
}

/** How long a deletion can be undone, ms. */
const UNDO_MS = 8_000;

/**
 * Comments and bookmarks of a recording as a list, and where they are written.
 *
 * @fires review-markers - what belongs on the timeline; `detail` is a list of {@link TimelineMarker}
 * @fires review-seek - a moment was asked for; `detail` is session time in ms
 */
export class ReviewComments extends LitElement {
  static override properties = { recordingId: { type: String }, timeMs: { attribute: false } };
  static override styles = [
    base,
    reviewStyles,
    css`
      :host {
        display: grid;
        gap: var(--v-s3);
        font-size: var(--v-text-sm);
      }
      li {
        display: grid;
        gap: var(--v-s1);
        padding: var(--v-s3);
        border-block-start: 1px solid var(--v-line);
      }
      ol {
        overflow: hidden;
      }
      li:first-child {
        border-block-start: 0;
      }
      li.picked {
        background: var(--v-accent-soft);
        color: var(--v-on-accent-soft);
      }
      li.resolved .words {
        color: var(--v-muted);
      }
      form {
        display: grid;
        gap: var(--v-s3);
        padding: var(--v-s3);
      }
      .undo {
        padding: var(--v-s2) var(--v-s3);
      }
    `,
  ];

  declare recordingId: string;
  /** The moment that is being watched, ms of session time. */
  declare timeMs: () => number;

  #comments: readonly TimelineComment[] | undefined;
  #writing: Writing | undefined;
  #deleted: TimelineComment | undefined;
  #undoTimer: ReturnType<typeof setTimeout> | undefined;
  #picked = '';
  #showResolved = false;
  #busy = false;
  #problem = '';
  #unwatch = () => {};

  constructor() {
    super();
    this.recordingId = '';
    this.timeMs = () => 0;
  }

  /** How many are not settled. */
  get open(): number {
    return this.#comments?.filter(({ resolved_by }) => resolved_by === undefined).length ?? 0;
  }

  /** Whether words would be lost if the page went now. */
  get unsaved(): boolean {
    return this.#writing !== undefined && this.#writing.comment.text.trim() !== '';
  }

  override connectedCallback() {
    super.connectedCallback();
    this.#unwatch = watchUnsaved(this);
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    clearTimeout(this.#undoTimer);
    this.#unwatch();
  }

  override willUpdate(changed: PropertyValues<this>) {
    if (changed.has('recordingId') && this.recordingId !== '') {
      this.#comments = undefined;
      this.#writing = undefined;
      void this.load();
    }
  }

  /** Loads them again: a second score that was submitted opens the comments of others. */
  async load(): Promise<void> {
    await this.#try(async () => {
      this.#become(await reviewApi.comments(this.recordingId));
    });
  }

  /** Shows one of them, as the timeline asked for. */
  async pick(id: string): Promise<void> {
    this.#picked = id;
    this.requestUpdate();
    await this.updateComplete;
    this.renderRoot.querySelector('.picked')?.scrollIntoView({ block: 'nearest' });
  }

  /** Begins a comment at the present moment. */
  begin(): void {
    this.#write(undefined, { kind: 'comment', at_ms: Math.round(this.timeMs()), text: '' });
  }

  override render() {
    const comments = this.#comments;
    const resolved = comments?.filter(({ resolved_by }) => resolved_by !== undefined).length ?? 0;
    const shown =
      comments?.filter((comment) => this.#showResolved || comment.resolved_by === undefined) ?? [];
    return html`
      ${
        this.#writing
          ? this.#form(this.#writing)
          : html`<div class="row">
              <vt-button size="sm" variant="primary" icon="chat" data-testid="add-comment" @click=${this.begin}>Comment here</vt-button>
              <vt-button size="sm" icon="bookmark" data-testid="add-bookmark" ?busy=${this.#busy} @click=${this.#bookmark}>Bookmark here</vt-button>
            </div>`
      }
      ${this.#problem ? html`<vt-banner tone="danger">${this.#problem}</vt-banner>` : nothing}
      ${
        this.#deleted
          ? html`<div class="card row undo" role="status">
              <span class="grow">Deleted.</span>
              <vt-button size="sm" data-testid="undo-delete" @click=${this.#undo}>Undo</vt-button>
            </div>`
          : nothing
      }
      ${
        shown.length > 0
          ? html`<ol class="plain card">${shown.map((comment) => this.#comment(comment))}</ol>`
          : comments && !this.#writing
            ? html`<p class="quiet">No comments yet. A comment stands at the moment that is playing; press M to write one.</p>`
            : nothing
      }
      ${
        resolved > 0
          ? html`<vt-button size="sm" variant="quiet" .pressed=${this.#showResolved} @click=${this.#toggleResolved}>
              ${this.#showResolved ? 'Hide resolved ones' : `Show ${resolved} resolved`}
            </vt-button>`
          : nothing
      }
    `;
  }

  #form({ id, comment }: Writing) {
    return html`<form class="card" @submit=${this.#send}>
      <div class="row">
        <strong class="number">${placeOf(comment)}</strong>
        <span class="grow"></span>
        <vt-button size="sm" variant="quiet" @click=${() => this.#move({ ...comment, at_ms: Math.round(this.timeMs()), end_ms: undefined })}>Move here</vt-button>
        <vt-button size="sm" variant="quiet" data-testid="set-end" @click=${() => this.#move(withEnd(comment, this.timeMs()))}>End here</vt-button>
      </div>
      <vt-field
        label=${comment.kind === 'bookmark' ? 'Words (not needed)' : 'Comment'}
        rows="3"
        maxlength="2000"
        testid="comment-text"
        .value=${comment.text}
        @input=${(event: Event) => this.#move({ ...comment, text: (event.target as HTMLElementTagNameMap['vt-field']).value })}
      ></vt-field>
      <div class="row">
        <vt-button type="submit" size="sm" variant="primary" data-testid="save-comment" ?busy=${this.#busy}>
          ${id === undefined ? 'Add' : 'Save'}
        </vt-button>
        <vt-button size="sm" variant="quiet" @click=${this.#cancel}>Cancel</vt-button>
      </div>
    </form>`;
  }

  #comment(comment: TimelineComment) {
    const { id, kind, text, author, own, resolved_by, edited_at, created_at } = comment;
    const classes = [this.#picked === id ? 'picked' : '', resolved_by ? 'resolved' : ''].join(' ');
    return html`<li class=${classes} data-testid="comment">
      <div class="row">
        <button class="time" type="button" @click=${() => this.#seek(comment)}>${placeOf(comment)}</button>
        <strong class="grow">${author.name}</strong>
        ${kind === 'bookmark' ? html`<vt-badge>Bookmark</vt-badge>` : nothing}
      </div>
      <p class="quiet">${dateTime(created_at)}${edited_at ? `, changed ${dateTime(edited_at)}` : ''}</p>
      ${text ? html`<p class="words" dir="auto">${text}</p>` : nothing}
      ${resolved_by ? html`<p class="quiet">Resolved by ${resolved_by.name}</p>` : nothing}
      <div class="row">
        <vt-button size="sm" variant="quiet" icon="check" @click=${() => this.#resolve(comment)}>${resolved_by ? 'Open again' : 'Resolve'}</vt-button>
        <vt-button size="sm" variant="quiet" icon="link" label=${`Copy the link to ${placeOf(comment)}`} @click=${() => this.#copy(comment)}></vt-button>
        ${
          own
            ? html`<vt-button size="sm" variant="quiet" icon="note" label="Edit" data-testid="edit-comment" @click=${() => this.#edit(comment)}></vt-button>
                <vt-button size="sm" variant="quiet" icon="trash" label="Delete" data-testid="delete-comment" @click=${() => this.#delete(comment)}></vt-button>`
            : nothing
        }
      </div>
    </li>`;
  }

  readonly #cancel = (): void => {
    this.#writing = undefined;
    this.requestUpdate();
  };

  readonly #toggleResolved = (): void => {
    this.#showResolved = !this.#showResolved;
    this.requestUpdate();
  };

  #edit({ id, kind, at_ms, end_ms, text }: TimelineComment) {
    this.#write(id, { kind, at_ms, ...(end_ms === undefined ? {} : { end_ms }), text });
  }

  #write(id: string | undefined, comment: NewComment) {
    this.#writing = { id, comment };
    this.requestUpdate();
    void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>('vt-field')?.focus());
  }

  #move(comment: NewComment | (Omit<NewComment, 'end_ms'> & { end_ms: undefined })) {
    const { end_ms, ...rest } = comment;
    this.#writing = { id: this.#writing?.id, comment: end_ms === undefined ? rest : { ...rest, end_ms } };
    this.requestUpdate();
  }

  readonly #send = async (event: Event): Promise<void> => {
    event.preventDefault();
    const writing = this.#writing;
    if (writing === undefined || this.#busy) return;
    await this.#try(async () => {
      const saved =
        writing.id === undefined
          ? await reviewApi.addComment(this.recordingId, writing.comment)
          : await reviewApi.editComment(writing.id, writing.comment);
      this.#writing = undefined;
      this.#picked = saved.id;
      this.#become(withComment(this.#comments ?? [], saved));
    });
  };

  readonly #bookmark = async (): Promise<void> => {
    await this.#try(async () => {
      const bookmark: NewComment = { kind: 'bookmark', at_ms: Math.round(this.timeMs()), text: '' };
      const saved = await reviewApi.addComment(this.recordingId, bookmark);
      this.#become(withComment(this.#comments ?? [], saved));
    });
  };

  async #resolve(comment: TimelineComment) {
    await this.#try(async () => {
      const saved = await reviewApi.resolveComment(comment.id, comment.resolved_by === undefined);
      this.#become(withComment(this.#comments ?? [], saved));
    });
  }

  async #delete(comment: TimelineComment) {
    await this.#try(async () => {
      await reviewApi.deleteComment(comment.id);
      this.#deleted = comment;
      clearTimeout(this.#undoTimer);
      this.#undoTimer = setTimeout(() => {
        this.#deleted = undefined;
        this.requestUpdate();
      }, UNDO_MS);
      this.#become((this.#comments ?? []).filter(({ id }) => id !== comment.id));
    });
  }

  readonly #undo = async (): Promise<void> => {
    const deleted = this.#deleted;
    if (deleted === undefined) return;
    await this.#try(async () => {
      const saved = await reviewApi.restoreComment(deleted.id);
      this.#deleted = undefined;
      this.#become(withComment(this.#comments ?? [], saved));
    });
  };

  async #copy(comment: TimelineComment) {
    const address = new URL(playerRoute(this.recordingId, comment.at_ms), location.href).href;
    try {
      await navigator.clipboard.writeText(address);
      this.#say(`Link to ${placeOf(comment)} copied`);
    } catch {
      this.#say('Copying is not allowed here');
    }
  }

  async #try(action: () => Promise<void>) {
    this.#busy = true;
    this.#problem = '';
    this.requestUpdate();
    try {
      await action();
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
    }
    this.#busy = false;
    this.requestUpdate();
  }

  #become(comments: readonly TimelineComment[]) {
    this.#comments = comments;
    this.dispatchEvent(new CustomEvent<TimelineMarker[]>('review-markers', { detail: markersOf(comments) }));
  }

  #seek(comment: TimelineComment) {
    this.#picked = comment.id;
    this.requestUpdate();
    this.dispatchEvent(
      new CustomEvent<number>('review-seek', { detail: comment.at_ms, bubbles: true, composed: true }),
    );
  }

  #say(text: string) {
    this.dispatchEvent(
      new CustomEvent<string>('replay-message', { detail: text, bubbles: true, composed: true }),
    );
  }
}

define('review-comments', ReviewComments);

declare global {
  interface HTMLElementTagNameMap {
    'review-comments': ReviewComments;
  }
}

import { html, LitElement, nothing, type PropertyValues } from 'lit';
import { guard } from 'lit/directives/guard.js';

import { base } from '../../../design/base.ts';
import '../../../elements/button/button.ts';
import { define } from '../../../elements/define.ts';
import '../../../elements/icon/icon.ts';
import { clockTime, spokenTime } from '../../../staff/format.ts';
import '../../../staff/icons.ts';
import type { RecordedSide } from '../../../protocol.ts';
import type { Span } from '../../engine/timeline.ts';
import type { ReplayData } from '../data.ts';
import type { Lane } from '../lanes.ts';
import type { TimelineMarker } from '../marker.ts';
import type { Moment } from '../moments.ts';
import { type Cluster, clustersOf, nextOf } from './clusters.ts';
import { drawn, PATTERNS, type Scene } from './drawing.ts';
import { legend } from './legend.ts';
import { figuresAt, METRIC, METRICS, type Metric } from './quality.ts';
import { heightOf, LABEL_HEIGHT, rowsOf } from './rows.ts';
import { type Stretch, wordsAt } from './stretches.ts';
import { marks, timelineStyles } from './styles.ts';
import './table.ts';
import { isWhole, msAt, panned, showing, type TimeView, VIEW_MIN_MS, whole, xOf, zoomed } from './view.ts';

/** One press of a zoom button. */
const ZOOM_STEP = 2;

/** Narrower than this, names stand above their lanes, px. */
const STACKED_BELOW = 620;

const MARKER_ICONS: Record<TimelineMarker['kind'], string> = {
  comment: 'chat',
  bookmark: 'bookmark',
  score: 'check',
  event: 'info',
};

/**
 * The lanes of a recording: both voices, what nobody said, pictures, connections, chat and events, markers; with zoom.
 *
 * Dragging over the lanes is for pointers; the seek bar, the keys and the table do the same without one. The lanes
 * themselves are hidden from screen readers, what they show is in the line below them and in the table.
 *
 * @fires replay-seek - the person chose a moment; `detail` is session time in ms
 * @fires replay-marker - the person picked a marker (it has been sought, too); `detail` is its id
 * @fires replay-view - another part of the recording is shown; `detail` is the {@link TimeView}
 */
export class ReplayTimeline extends LitElement {
  static override properties = {
    currentMs: { attribute: false },
    durationMs: { attribute: false },
    playing: { attribute: false },
    data: { attribute: false },
    seen: { attribute: false },
    stretches: { attribute: false },
    moments: { attribute: false },
    markers: { attribute: false },
    skips: { attribute: false },
    metric: { state: true },
    view: { state: true },
    width: { state: true },
    hoverMs: { state: true },
  };
  static override styles = [base, timelineStyles, marks];

  declare currentMs: number;
  declare durationMs: number;
  declare playing: boolean;
  declare data: ReplayData | undefined;
  declare seen: readonly Lane[];
  declare stretches: readonly Stretch[];
  declare moments: readonly Moment[];
  declare markers: readonly TimelineMarker[];
  declare skips: readonly Span[];
  declare metric: Metric;
  declare view: TimeView;
  declare width: number;
  declare hoverMs: number | undefined;

  #dragging = false;
  #pending: number | undefined;
  #picked: string | undefined;
  readonly #size = new ResizeObserver(([entry]) => {
    const width = Math.round(entry?.contentRect.width ?? 0);
    // In the next frame: what is drawn may change the size that is observed.
    if (width > 0) requestAnimationFrame(() => (this.width = width));
  });

  constructor() {
    super();
    this.currentMs = 0;
    this.durationMs = 0;
    this.playing = false;
    this.data = undefined;
    this.seen = [];
    this.stretches = [];
    this.moments = [];
    this.markers = [];
    this.skips = [];
    this.metric = 'rtt';
    this.view = whole(0);
    this.width = 600;
    this.hoverMs = undefined;
  }

  /** Comes closer (1), goes farther (-1) or shows everything (0), around where playback is. */
  zoom(by: 1 | -1 | 0): void {
    const factor = by === 1 ? 1 / ZOOM_STEP : ZOOM_STEP;
    this.#show(
      by === 0 ? whole(this.durationMs) : zoomed(this.view, factor, this.currentMs, this.durationMs),
    );
  }

  /** Moves along by most of what is shown. */
  pan(direction: 1 | -1): void {
    const length = this.view.endMs - this.view.startMs;
    this.#show(panned(this.view, direction * length * 0.8, this.durationMs));
  }

  override firstUpdated() {
    const plot = this.renderRoot.querySelector('.plot');
    if (plot !== null) this.#size.observe(plot);
    // Not passive: with Ctrl it zooms these lanes and not the page.
    plot?.addEventListener('wheel', (event) => this.#onWheel(event as WheelEvent), { passive: false });
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    this.#size.disconnect();
  }

  override connectedCallback() {
    super.connectedCallback();
    const plot = this.renderRoot?.querySelector('.plot');
    if (plot) this.#size.observe(plot);
  }

  override willUpdate(changed: PropertyValues<this>) {
    if (changed.has('durationMs')) {
      const before = changed.get('durationMs') ?? 0;
      if (before <= 0 || isWhole(this.view, before)) this.#show(whole(this.durationMs));
    }
    if (changed.has('currentMs') && !this.#dragging && !isWhole(this.view, this.durationMs)) {
      const before = changed.get('currentMs') ?? 0;
      const length = this.view.endMs - this.view.startMs;
      // Who moved the view away on purpose is left alone; jumps are followed always.
      const followed = before >= this.view.startMs && before <= this.view.endMs;
      if (followed || Math.abs(this.currentMs - before) > length / 2) {
        this.#show(showing(this.view, this.currentMs, this.durationMs));
      }
    }
  }

  override render() {
    const { data, seen, stretches, moments, markers, skips, metric, view, width } = this;
    const stacked = width < STACKED_BELOW - 96;
    const has = {
      voices: data !== undefined && Object.keys(data.voices).length > 0,
      quality: data !== undefined && Object.keys(data.quality).length > 0,
    };
    const key = [data, seen, stretches, moments, markers, skips, metric, view, width, stacked];
    const rows = rowsOf(has, stacked);
    const height = heightOf(rows);
    const scene: Scene = { data, seen, stretches, moments, markers, skips, metric, view, width, rows };
    const x = (ms: number): string => `${xOf(view, width, ms).toFixed(1)}px`;
    const inView = this.currentMs >= view.startMs && this.currentMs <= view.endMs;
    return html`<section aria-label="Timeline">
      ${guard([has.quality, metric, view, this.durationMs], () => this.#tools(has.quality))}
      <div class="lanes">
        <div class="labels" aria-hidden="true">
          ${guard(key, () => rows.map(({ label, y }) => html`<span style="inset-block-start:${stacked ? y - LABEL_HEIGHT + 1 : y + 2}px">${label}</span>`))}
        </div>
        <div
          class="plot"
          data-testid="lanes"
          aria-hidden="true"
          @pointerdown=${this.#onDown}
          @pointermove=${this.#onMove}
          @pointerup=${this.#onUp}
          @pointercancel=${this.#onUp}
          @pointerleave=${this.#onLeave}
        >
          ${guard(key, () => html`<svg class="all" width=${width} height=${height} viewBox="0 0 ${width} ${height}">${PATTERNS}${drawn(scene)}</svg>`)}
          ${this.hoverMs === undefined ? nothing : html`<div class="cursor" style="left:${x(this.hoverMs)}"></div>`}
          ${inView ? html`<div class="head" style="left:${x(this.currentMs)}"></div>` : nothing}
        </div>
        ${guard([markers, view, width], () => this.#markers())}
      </div>
      ${isWhole(view, this.durationMs) ? nothing : this.#panner()}
      ${this.#readout()}
      ${guard(key, () => legend(scene))}
      <replay-stretch-table
        .stretches=${stretches}
        @replay-seek=${(event: CustomEvent<number>) => this.#seek(event.detail)}
      ></replay-stretch-table>
    </section>`;
  }

  #tools(quality: boolean) {
    const length = this.view.endMs - this.view.startMs;
    return html`<div class="tools">
      <h2>Timeline</h2>
      <span class="space"></span>
      ${
        quality
          ? html`<label>
              Connection
              <select data-testid="metric" @change=${this.#onMetric}>
                ${METRICS.map((metric) => html`<option value=${metric} ?selected=${metric === this.metric}>${METRIC[metric].label}</option>`)}
              </select>
            </label>`
          : nothing
      }
      <vt-button size="sm" variant="quiet" icon="zoom-out" label="Zoom out (-)" ?disabled=${isWhole(this.view, this.durationMs)} @click=${() => this.zoom(-1)}></vt-button>
      <vt-button size="sm" variant="quiet" icon="zoom-in" label="Zoom in (+)" data-testid="zoom-in" ?disabled=${length <= VIEW_MIN_MS} @click=${() => this.zoom(1)}></vt-button>
      <vt-button size="sm" variant="quiet" ?disabled=${isWhole(this.view, this.durationMs)} @click=${() => this.zoom(0)}>Whole call</vt-button>
    </div>`;
  }

  /** A scroll bar for the lanes that every keyboard can move. */
  #panner() {
    const { view, durationMs } = this;
    const length = view.endMs - view.startMs;
    return html`<div class="pan">
      <span>${clockTime(view.startMs)} – ${clockTime(view.endMs)}</span>
      <input
        type="range"
        data-testid="pan"
        aria-label="Part of the recording shown"
        aria-valuetext=${`${spokenTime(view.startMs)} to ${spokenTime(view.endMs)}`}
        min="0"
        max=${Math.max(1, durationMs - length)}
        step=${Math.max(100, Math.round(length / 10))}
        .value=${String(Math.round(view.startMs))}
        @input=${(event: Event) => this.#onPan(event, length)}
      />
    </div>`;
  }

  /** The figures under the pointer, or where playback is: keys move those, too. */
  #readout() {
    const atMs = this.hoverMs ?? this.currentMs;
    const { data } = this;
    if (data === undefined) return nothing;
    // Ten times a second is as often as anybody can read.
    const rounded = Math.floor(atMs / 100) * 100;
    return guard([rounded, data, this.stretches, this.moments], () => {
      const near = ((this.view.endMs - this.view.startMs) / this.width) * 6;
      const moment =
        this.hoverMs === undefined
          ? undefined
          : this.moments.find((one) => Math.abs(one.atMs - atMs) <= near);
      const words = wordsAt(this.stretches, data, rounded);
      const said =
        moment === undefined
          ? words
          : [...words, moment.who === '' ? moment.text : `${moment.who}: ${moment.text}`];
      return html`<div class="readout" data-testid="readout">
        <span class="at">${clockTime(rounded)}</span>
        <span class="matter" dir="auto">${said.join(' · ')}</span>
        ${(['agent', 'buyer'] as const).map((side) => this.#figures(data, side, rounded))}
      </div>`;
    });
  }

  #figures(data: ReplayData, side: RecordedSide, atMs: number) {
    const quality = data.quality[side];
    const figures = quality === undefined ? undefined : figuresAt(quality, atMs);
    if (quality === undefined) return nothing;
    return html`<div class="of">
      <span class="whose">${side === 'agent' ? 'Agent' : 'Buyer'}</span>
      <dl>
        ${METRICS.map((metric) => html`<div><dt>${METRIC[metric].label}</dt><dd>${figures?.[metric] ?? '–'}</dd></div>`)}
      </dl>
    </div>`;
  }

  #markers() {
    if (this.markers.length === 0) return nothing;
    return html`<div class="markers" role="group" aria-label="Comments and bookmarks">
      ${clustersOf(this.markers, this.view, this.width).map((cluster) => this.#marker(cluster))}
    </div>`;
  }

  #marker(cluster: Cluster) {
    const { markers } = cluster;
    const [first] = markers;
    if (first === undefined) return nothing;
    const label = markers.map(({ atMs, label }) => `${clockTime(atMs)} ${label}`).join('\n');
    return html`<button
      class="marker ${first.kind}"
      style="left:${cluster.x.toFixed(1)}px"
      title=${label}
      aria-label=${markers.length === 1 ? label : `${markers.length} markers: ${label}`}
      data-testid="marker"
      @click=${() => this.#pick(cluster)}
    >
      ${markers.length === 1 ? html`<vt-icon name=${MARKER_ICONS[first.kind]}></vt-icon>` : markers.length}
    </button>`;
  }

  #pick(cluster: Cluster) {
    const marker = nextOf(cluster, this.#picked);
    if (marker === undefined) return;
    this.#picked = marker.id;
    this.#seek(marker.atMs);
    this.dispatchEvent(
      new CustomEvent<string>('replay-marker', { detail: marker.id, bubbles: true, composed: true }),
    );
  }

  #show(view: TimeView) {
    if (view.startMs === this.view.startMs && view.endMs === this.view.endMs) return;
    this.view = view;
    this.dispatchEvent(new CustomEvent<TimeView>('replay-view', { detail: view }));
  }

  #at(event: PointerEvent | WheelEvent): number {
    const box = this.renderRoot.querySelector('.plot')?.getBoundingClientRect();
    if (box === undefined) return 0;
    const ms = msAt(this.view, box.width, event.clientX - box.left);
    return Math.min(this.durationMs, Math.max(0, ms));
  }

  #onDown(event: PointerEvent) {
    if (event.button !== 0) return;
    this.#dragging = true;
    (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
    this.#seekSoon(this.#at(event));
  }

  #onMove(event: PointerEvent) {
    const at = this.#at(event);
    this.hoverMs = event.pointerType === 'touch' ? undefined : at;
    if (this.#dragging) this.#seekSoon(at);
  }

  readonly #onUp = (): void => {
    this.#dragging = false;
  };

  readonly #onLeave = (): void => {
    this.hoverMs = undefined;
  };

  #onWheel(event: WheelEvent) {
    const sideways =
      Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : event.shiftKey ? event.deltaY : 0;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      this.#show(zoomed(this.view, 1.0015 ** event.deltaY, this.#at(event), this.durationMs));
    } else if (sideways !== 0 && !isWhole(this.view, this.durationMs)) {
      event.preventDefault();
      const perPixel = (this.view.endMs - this.view.startMs) / this.width;
      this.#show(panned(this.view, sideways * perPixel, this.durationMs));
    }
  }

  #onMetric(event: Event) {
    const value = (event.target as HTMLSelectElement).value;
    this.metric = METRICS.find((metric) => metric === value) ?? 'rtt';
  }

  #onPan(event: Event, length: number) {
    const startMs = Number((event.target as HTMLInputElement).value);
    this.#show(panned({ startMs: 0, endMs: length }, startMs, this.durationMs));
  }

  /** While dragging at most one seek a frame. */
  #seekSoon(ms: number) {
    const waiting = this.#pending !== undefined;
    this.#pending = ms;
    if (waiting) return;
    requestAnimationFrame(() => {
      const at = this.#pending;
      this.#pending = undefined;
      if (at !== undefined) this.#seek(at);
    });
  }

  #seek(ms: number) {
    this.dispatchEvent(new CustomEvent<number>('replay-seek', { detail: ms }));
  }
}

define('replay-timeline', ReplayTimeline);

declare global {
  interface HTMLElementTagNameMap {
    'replay-timeline': ReplayTimeline;
  }
}

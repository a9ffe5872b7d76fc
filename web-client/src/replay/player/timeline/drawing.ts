/** The lanes of one view as SVG. Colours and strokes are a matter of classes, see `styles.ts`. */
import { nothing, type SVGTemplateResult, svg } from 'lit';

import type { RecordedSide } from '../../../protocol.ts';
import { clockTime } from '../../../staff/format.ts';
import type { Span } from '../../engine/timeline.ts';
import type { ReplayData } from '../data.ts';
import type { Lane } from '../lanes.ts';
import type { TimelineMarker } from '../marker.ts';
import type { Moment } from '../moments.ts';
import { freezes, linePath, METRIC, type Metric, topOf, weakStretches } from './quality.ts';
import { heightOf, type Row, type RowId } from './rows.ts';
import type { Stretch } from './stretches.ts';
import { type TimeView, ticks, xOf } from './view.ts';
import { boxOf, wavePaths } from './wave.ts';

const SIDES: readonly RecordedSide[] = ['agent', 'buyer'];

/** Everything that is drawn. */
export interface Scene {
  readonly data: ReplayData | undefined;
  /** When each side was seen. */
  readonly seen: readonly Lane[];
  readonly stretches: readonly Stretch[];
  readonly moments: readonly Moment[];
  readonly markers: readonly TimelineMarker[];
  /** What is left out while silence is skipped. */
  readonly skips: readonly Span[];
  readonly metric: Metric;
  readonly view: TimeView;
  readonly width: number;
  readonly rows: readonly Row[];
}

/** Draws the lanes. */
export function drawn(scene: Scene): SVGTemplateResult {
  const { rows, width } = scene;
  const row = (id: RowId): Row | undefined => rows.find((one) => one.id === id);
  const ruler = row('ruler');
  const voices = SIDES.map((side) => row(side));
  const quality = row('quality');
  return svg`
    ${rows.map((one) => (one.id === 'ruler' ? nothing : svg`<rect class="ground" x="0" y=${one.y} width=${width} height=${one.height} rx="3" />`))}
    ${marked(scene)}
    ${bands(scene, 'silence', voices)}
    ${bands(scene, 'talk-over', voices)}
    ${SIDES.map((side, index) => voice(scene, side, voices[index]))}
    ${seen(scene, row('seen'))}
    ${quality === undefined ? nothing : connection(scene, quality)}
    ${whole(scene, 'hold')}
    ${whole(scene, 'pause')}
    ${skipped(scene, voices)}
    ${moments(scene, row('moments'))}
    ${ruler === undefined ? nothing : rulerOf(scene, ruler)}
  `;
}

/** The patterns that `fill` names. Their ids are the shadow root's own. */
export const PATTERNS = svg`<defs>
  <pattern id="pause-lines" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
    <rect class="pause-ground" width="8" height="8" /><rect class="pause-line" width="3" height="8" />
  </pattern>
  <pattern id="hold-dots" width="7" height="7" patternUnits="userSpaceOnUse">
    <rect class="hold-ground" width="7" height="7" /><circle class="hold-dot" cx="3" cy="3" r="1.3" />
  </pattern>
</defs>`;

function box(scene: Scene, span: Span, className: string, y: number, height: number, leastPx = 2) {
  const place = boxOf(span, scene.view, scene.width, leastPx);
  return place === undefined
    ? nothing
    : svg`<rect class=${className} x=${place.x.toFixed(1)} y=${y} width=${place.width.toFixed(1)} height=${height} />`;
}

function bands(scene: Scene, kind: Stretch['kind'], rows: readonly (Row | undefined)[]) {
  const [first, last] = [rows[0], rows.at(-1)];
  if (first === undefined || last === undefined) return nothing;
  const height = last.y + last.height - first.y;
  return scene.stretches
    .filter((stretch) => stretch.kind === kind)
    .map((stretch) => box(scene, stretch, kind, first.y, height, 1));
}

/** What concerns all lanes, with its name where there is room. */
function whole(scene: Scene, kind: 'hold' | 'pause') {
  const first = scene.rows.find(({ id }) => id !== 'ruler');
  if (first === undefined) return nothing;
  const height = heightOf(scene.rows) - first.y;
  return scene.stretches
    .filter((stretch) => stretch.kind === kind)
    .map((stretch) => {
      const place = boxOf(stretch, scene.view, scene.width, 3);
      if (place === undefined) return nothing;
      const name = kind === 'hold' ? 'On hold' : 'Paused';
      return svg`<rect class=${kind} x=${place.x.toFixed(1)} y=${first.y} width=${place.width.toFixed(1)} height=${height} />
        ${place.width > 64 ? svg`<text class="band-name" x=${(place.x + 6).toFixed(1)} y=${first.y + 13}>${name}</text>` : nothing}`;
    });
}

function voice(scene: Scene, side: RecordedSide, row: Row | undefined) {
  const voice = scene.data?.voices[side];
  if (row === undefined || voice === undefined || scene.data === undefined) return nothing;
  const { speech, rest } = wavePaths(
    voice.peaks,
    scene.data.cellMs,
    voice.speech,
    scene.view,
    scene.width,
    row.height,
  );
  return svg`<g transform="translate(0 ${row.y})" class=${side}>
    <path class="wave rest" d=${rest} /><path class="wave" d=${speech} />
  </g>`;
}

function seen(scene: Scene, row: Row | undefined) {
  if (row === undefined) return nothing;
  return SIDES.map((side, index) => {
    const y = row.y + 2 + index * 8;
    const lane = scene.seen.find(({ tone }) => tone === side);
    return svg`
      ${lane?.spans.map((span) => box(scene, span, `seen ${side}`, y, 6))}
      ${scene.stretches
        .filter(
          (stretch) => stretch.kind === 'lost' && stretch.side === side && stretch.note !== 'microphone',
        )
        .map((stretch) => box(scene, stretch, 'lost', y, 6, 3))}`;
  });
}

/** The lines of the chosen figure, freezes above, and the connection in one word below. */
function connection(scene: Scene, row: Row) {
  const qualities = SIDES.flatMap((side) => scene.data?.quality[side] ?? []);
  const top = topOf(scene.metric, qualities);
  const height = row.height - 14;
  return svg`<g transform="translate(0 ${row.y})">
    ${qualities.map(
      (quality, index) => svg`
        <path class="line ${quality.side}" d=${linePath(quality, scene.metric, top, scene.view, scene.width, height)} />
        ${weakStretches(quality).map((stretch) => box(scene, stretch, stretch.link, height + 3 + index * 5, 4))}
        ${freezes(quality).map((stretch) => box(scene, stretch, 'frozen', index * 5, 4, 3))}`,
    )}
    <text class="scale" x=${scene.width - 4} y="11">${top} ${METRIC[scene.metric].unit}</text>
  </g>`;
}

function skipped(scene: Scene, rows: readonly (Row | undefined)[]) {
  const [first, last] = [rows[0], rows.at(-1)];
  if (first === undefined || last === undefined) return nothing;
  const y = (first.y + last.y + last.height) / 2;
  return scene.skips.map((skip) => {
    const place = boxOf(skip, scene.view, scene.width);
    return place === undefined
      ? nothing
      : svg`<path class="skipped" d="M${place.x.toFixed(1)} ${y}h${place.width.toFixed(1)}" />`;
  });
}

/** Lines of chat are dots in their side's colour, everything else are diamonds. */
function moments(scene: Scene, row: Row | undefined) {
  if (row === undefined) return nothing;
  const y = row.y + row.height / 2;
  return scene.moments.map((moment) => {
    const place = xOf(scene.view, scene.width, moment.atMs);
    if (place < -4 || place > scene.width + 4) return nothing;
    // At the edges they stay whole.
    const x = Math.min(Math.max(place, 6), scene.width - 6);
    return moment.kind === 'chat'
      ? svg`<circle class="chat ${moment.side ?? ''}" cx=${x.toFixed(1)} cy=${y} r="4" />`
      : svg`<path class="happened" d="M${x.toFixed(1)} ${y - 5}l5 5-5 5-5-5Z" />`;
  });
}

/** Stretches that markers are about. */
function marked(scene: Scene) {
  const first = scene.rows.find(({ id }) => id !== 'ruler');
  if (first === undefined) return nothing;
  const height = heightOf(scene.rows) - first.y;
  return scene.markers.map(({ atMs, endMs }) =>
    endMs === undefined || endMs <= atMs
      ? nothing
      : box(scene, { startMs: atMs, endMs }, 'marked', first.y, height),
  );
}

function rulerOf(scene: Scene, row: Row) {
  const bottom = heightOf(scene.rows);
  return ticks(scene.view, scene.width).map((ms) => {
    const x = xOf(scene.view, scene.width, ms);
    const anchor = x < 14 ? 'start' : x > scene.width - 14 ? 'end' : 'middle';
    return svg`<path class="tick" d="M${x.toFixed(1)} ${row.y + row.height - 3}V${bottom}" />
      <text class="time" x=${x.toFixed(1)} y=${row.y + 12} text-anchor=${anchor}>${clockTime(ms)}</text>`;
  });
}

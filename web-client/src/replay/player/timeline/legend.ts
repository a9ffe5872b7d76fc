/** What the marks of the lanes mean; only what is there is explained. */
import { html, nothing, type SVGTemplateResult, svg, type TemplateResult } from 'lit';

import type { Scene } from './drawing.ts';
import { STRETCH_KINDS, STRETCH_NAMES, type StretchKind } from './stretches.ts';

const SWATCHES: Record<StretchKind, SVGTemplateResult> = {
  'talk-over': svg`<rect class="talk-over" width="22" height="14" />`,
  silence: svg`<rect class="silence" width="22" height="14" />`,
  hold: svg`<rect class="hold" width="22" height="14" />`,
  pause: svg`<rect class="pause" width="22" height="14" />`,
  lost: svg`<rect class="lost" y="4" width="22" height="6" />`,
  weak: svg`<rect class="fair" y="5" width="11" height="4" /><rect class="poor" x="11" y="5" width="11" height="4" />`,
  frozen: svg`<rect class="frozen" x="8" y="5" width="6" height="4" />`,
};

const WEAK = 'Connection fair, poor';

/** The legend of a scene. */
export function legend(scene: Scene): TemplateResult {
  const { data } = scene;
  const item = (swatch: SVGTemplateResult, words: string): TemplateResult =>
    html`<li><svg width="22" height="14" aria-hidden="true">${swatch}</svg>${words}</li>`;
  const voice = (side: 'agent' | 'buyer', words: string) =>
    data?.voices[side] === undefined
      ? nothing
      : item(
          svg`<g class=${side}><path class="wave" d="M3 5v4M7 2v10M11 4v6" /><path class="wave rest" d="M15 5v4M19 6v2" /></g>`,
          words,
        );
  const there = (kind: StretchKind): boolean => scene.stretches.some((stretch) => stretch.kind === kind);
  return html`<ul class="legend" aria-label="Legend">
    ${voice('agent', 'Agent speaks, other sound')} ${voice('buyer', 'Buyer speaks, other sound')}
    ${STRETCH_KINDS.filter(there).map((kind) => item(SWATCHES[kind], kind === 'weak' ? WEAK : STRETCH_NAMES[kind]))}
    ${scene.skips.length > 0 ? item(svg`<path class="skipped" d="M0 7h22" />`, 'Is skipped') : nothing}
    ${
      scene.moments.some(({ kind }) => kind === 'chat')
        ? item(
            svg`<circle class="chat agent" cx="7" cy="7" r="4" /><circle class="chat buyer" cx="16" cy="7" r="4" />`,
            'Chat',
          )
        : nothing
    }
    ${scene.moments.some(({ kind }) => kind !== 'chat') ? item(svg`<path class="happened" d="M11 2l5 5-5 5-5-5Z" />`, 'Event') : nothing}
  </ul>`;
}

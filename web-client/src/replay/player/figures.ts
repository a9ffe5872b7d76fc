import { css, html, LitElement, nothing } from 'lit';

import { base } from '../../design/base.ts';
import { define } from '../../elements/define.ts';
import type { RecordedSide } from '../../protocol.ts';
import { clockTime, spokenTime } from '../../staff/format.ts';
import { lengthOf, type ReplayData, talkShare } from './data.ts';

/** One voice this much quieter than the other is worth a word, LU. */
const UNEVEN_LU = 6;

/** Who spoke how much and how loud: figures of the sound, nothing about how anybody felt. */
export class ReplayFigures extends LitElement {
  static override properties = { data: { attribute: false } };
  static override styles = [
    base,
    css`
      :host {
        display: block;
        padding: var(--v-s3) var(--v-s4);
        border: 1px solid var(--v-line);
        border-radius: var(--v-radius);
        background: var(--v-surface);
        font-size: var(--v-text-sm);
      }
      .share {
        display: grid;
        gap: var(--v-s1);
      }
      .words {
        display: flex;
        justify-content: space-between;
        gap: var(--v-s3);
      }
      .bar {
        display: flex;
        gap: 2px;
        block-size: 8px;
        overflow: hidden;
        border-radius: 4px;
      }
      .bar i {
        block-size: 100%;
        min-inline-size: 2px;
      }
      .agent {
        background: var(--replay-agent);
      }
      .buyer {
        background: var(--replay-buyer);
      }
      dl {
        display: flex;
        flex-wrap: wrap;
        gap: var(--v-s1) var(--v-s5);
        margin-block-start: var(--v-s3);
      }
      dl div {
        display: flex;
        gap: var(--v-s2);
      }
      dt,
      .quiet {
        color: var(--v-muted);
      }
      dd {
        font-weight: 600;
        font-variant-numeric: tabular-nums;
      }
    `,
  ];

  declare data: ReplayData | undefined;

  constructor() {
    super();
    this.data = undefined;
  }

  override render() {
    const { data } = this;
    if (data === undefined) return nothing;
    const agent = talkShare(data, 'agent');
    if (agent === undefined) {
      return html`<section aria-label="Talk"><p class="quiet">Nobody spoke on this recording, or it was made before voices were measured.</p></section>`;
    }
    const percent = Math.round(agent * 100);
    return html`<section aria-label="Talk">
      <div class="share">
        <div class="words">
          <span><strong>Agent ${percent} %</strong> <span class="quiet">${clockTime(data.voices.agent?.talkMs ?? 0)}</span></span>
          <span><span class="quiet">${clockTime(data.voices.buyer?.talkMs ?? 0)}</span> <strong>Buyer ${100 - percent} %</strong></span>
        </div>
        <div class="bar" aria-hidden="true"><i class="agent" style="flex:${agent}"></i><i class="buyer" style="flex:${1 - agent}"></i></div>
      </div>
      <dl>
        ${this.#length('Both speak', lengthOf(data.talkOver))} ${this.#length('Nobody speaks', lengthOf(data.silence))}
        ${data.holds.length > 0 ? this.#length('On hold', lengthOf(data.holds)) : nothing}
        ${data.pauses.length > 0 ? this.#length('Not recorded', lengthOf(data.pauses)) : nothing}
        ${this.#loudness(data, 'agent')} ${this.#loudness(data, 'buyer')}
      </dl>
      ${this.#uneven(data)}
    </section>`;
  }

  #length(name: string, ms: number) {
    return html`<div><dt>${name}</dt><dd aria-label=${spokenTime(ms)}>${clockTime(ms)}</dd></div>`;
  }

  #loudness(data: ReplayData, side: RecordedSide) {
    const lufs = data.voices[side]?.loudnessLufs;
    return lufs === undefined
      ? nothing
      : html`<div>
          <dt>${side === 'agent' ? 'Agent' : 'Buyer'} loudness</dt>
          <dd><span title="Integrated loudness by EBU R 128">${lufs.toFixed(1).replace('-', '−')} LUFS</span></dd>
        </div>`;
  }

  #uneven(data: ReplayData) {
    const [agent, buyer] = [data.voices.agent?.loudnessLufs, data.voices.buyer?.loudnessLufs];
    if (agent === undefined || buyer === undefined || Math.abs(agent - buyer) < UNEVEN_LU) return nothing;
    const quieter = agent < buyer ? 'agent' : 'buyer';
    return html`<p class="quiet">The ${quieter} is ${Math.abs(agent - buyer).toFixed(0)} LU quieter: turn down the other side to hear both alike.</p>`;
  }
}

define('replay-figures', ReplayFigures);

declare global {
  interface HTMLElementTagNameMap {
    'replay-figures': ReplayFigures;
  }
}

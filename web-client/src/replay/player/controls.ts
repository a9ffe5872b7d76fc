/** The buttons under the pictures. */
import { css, html, nothing, type TemplateResult } from 'lit';

import '../../elements/button/button.ts';
import { clockTime } from '../../staff/format.ts';
import '../../staff/icons.ts';
import { RATES, type ReplayEngine } from '../engine/engine.ts';
import { lengthOf } from './data.ts';
import { type Looks, VIEW_NAMES, VIEWS } from './memory.ts';
import type { ReplayPlayer } from './player.ts';

export const controlStyles = css`
  /* Time runs from left to right in every language, as it does in the lanes below. */
  .buttons {
    direction: ltr;
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: var(--v-s1) var(--v-s2);
    margin-block-start: var(--v-s2);
  }
  .group {
    display: flex;
    align-items: center;
    gap: 2px;
  }
  .time {
    font-size: var(--v-text-sm);
    font-variant-numeric: tabular-nums;
    white-space: nowrap;
  }
  .time span {
    color: var(--v-muted);
  }
  .space {
    flex: 1;
  }
  @media (max-width: 720px) {
    /* One row after the other, as full as they can be. */
    .group {
      display: contents;
    }
    .space {
      display: none;
    }
  }
  .buttons label {
    display: inline-flex;
    align-items: center;
    gap: var(--v-s2);
    font-size: var(--v-text-sm);
  }
  select {
    max-inline-size: 11em;
    min-block-size: var(--v-target);
    padding-inline: var(--v-s2);
    border: 1px solid var(--v-line-strong);
    border-radius: var(--v-radius);
    background: var(--v-surface);
    color: inherit;
    font: inherit;
    font-size: var(--v-text-sm);
  }
`;

/** Renders them for a player; what they do is the player's. */
export function controls(player: ReplayPlayer, engine: ReplayEngine, looks: Looks): TemplateResult {
  const saved = lengthOf(engine.skips);
  const skipWords = saved > 0 ? `Skip silence (saves ${clockTime(saved)})` : 'Skip silence';
  return html`<div class="buttons" role="group" aria-label="Player">
    <div class="group">
      <vt-button
        variant="primary"
        icon=${engine.playing ? 'pause' : 'play'}
        label=${engine.playing ? 'Pause' : 'Play'}
        data-testid="play"
        ?data-waiting=${engine.waiting}
        @click=${() => player.toggle()}
      ></vt-button>
      <vt-button variant="quiet" icon="skip-back" label="Back 10 seconds" @click=${() => player.skip(-10_000)}></vt-button>
      <vt-button variant="quiet" icon="skip-forward" label="Forward 10 seconds" @click=${() => player.skip(10_000)}></vt-button>
      <vt-button class="fine" variant="quiet" icon="frame-back" label="Previous frame" data-testid="frame-back" @click=${() => player.stepFrame(-1)}></vt-button>
      <vt-button class="fine" variant="quiet" icon="frame-forward" label="Next frame" data-testid="frame-forward" @click=${() => player.stepFrame(1)}></vt-button>
    </div>
    <span class="time" data-testid="time">
      ${clockTime(engine.currentTimeMs)} <span>/ ${clockTime(engine.durationMs)}</span>
    </span>
    <span class="space"></span>
    <div class="group">
      <vt-button
        variant="quiet"
        icon="skip-silence"
        label=${skipWords}
        data-testid="skip-silence"
        .pressed=${engine.skipping}
        @click=${() => player.setSkipping(!engine.skipping)}
      ></vt-button>
      <label class="speed">
        <select aria-label="Speed" data-testid="rate" @change=${(event: Event) => player.setRate(Number(chosen(event)))}>
          ${RATES.map((rate) => html`<option value=${rate} ?selected=${rate === engine.rate}>${rate}×</option>`)}
        </select>
      </label>
    </div>
    <div class="group">
      <label>
        <select aria-label="View" data-testid="view" @change=${(event: Event) => player.setView(chosen(event))}>
          ${VIEWS.map((view) => html`<option value=${view} ?selected=${view === looks.view}>${VIEW_NAMES[view]}</option>`)}
        </select>
      </label>
      <vt-button variant="quiet" icon="swap" label="Swap the sides" data-testid="swap" @click=${() => player.swap()}></vt-button>
      ${
        document.fullscreenEnabled
          ? html`<vt-button
              variant="quiet"
              icon=${player.fullscreen ? 'shrink' : 'expand'}
              label=${player.fullscreen ? 'Leave full screen' : 'Full screen'}
              data-testid="fullscreen"
              @click=${() => player.toggleFullscreen()}
            ></vt-button>`
          : nothing
      }
    </div>
    <slot name="controls"></slot>
  </div>`;
}

function chosen(event: Event): string {
  return (event.target as HTMLSelectElement).value;
}

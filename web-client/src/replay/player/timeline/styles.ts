/** How the lanes, their legend and their table look. */
import { css } from 'lit';

/** What stands for what: the same in the lanes and in the legend. */
export const marks = css`
  .wave {
    fill: none;
    stroke: var(--tone);
    stroke-width: 2;
    stroke-linecap: round;
  }
  .wave.rest {
    opacity: 0.45;
  }
  .agent {
    --tone: var(--replay-agent);
  }
  .buyer {
    --tone: var(--replay-buyer);
  }
  .seen {
    fill: var(--tone);
  }
  .line {
    fill: none;
    stroke: var(--tone);
    stroke-width: 1.5;
    stroke-linejoin: round;
    stroke-linecap: round;
  }
  .silence {
    fill: var(--v-text);
    opacity: 0.09;
  }
  .talk-over {
    fill: var(--replay-over);
    opacity: 0.32;
  }
  .hold {
    fill: url(#hold-dots);
  }
  .pause {
    fill: url(#pause-lines);
  }
  .pause-ground {
    fill: var(--v-surface);
    opacity: 0.75;
  }
  .pause-line {
    fill: var(--v-muted);
    opacity: 0.6;
  }
  .hold-ground {
    fill: var(--replay-hold);
    opacity: 0.16;
  }
  .hold-dot {
    fill: var(--replay-hold);
  }
  .lost,
  .frozen,
  .poor {
    fill: var(--v-danger);
  }
  .fair {
    fill: var(--replay-hold);
  }
  .chat {
    fill: var(--tone, var(--v-muted));
  }
  .happened {
    fill: var(--v-surface);
    stroke: var(--v-text);
    stroke-width: 1.5;
  }
  .skipped {
    fill: none;
    stroke: var(--v-text);
    stroke-width: 2;
    stroke-dasharray: 2 4;
  }
  .marked {
    fill: var(--v-accent);
    opacity: 0.14;
  }
`;

export const timelineStyles = css`
  :host {
    display: block;
    min-inline-size: 0;
    padding: var(--v-s3) var(--v-s4) var(--v-s4);
    border: 1px solid var(--v-line);
    border-radius: var(--v-radius);
    background: var(--v-surface);
    container-type: inline-size;
  }
  .tools {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: var(--v-s1) var(--v-s2);
    margin-block-end: var(--v-s2);
  }
  h2 {
    font-size: var(--v-text-sm);
    font-weight: 600;
  }
  .space {
    flex: 1;
  }
  label {
    display: inline-flex;
    align-items: center;
    gap: var(--v-s2);
    color: var(--v-muted);
    font-size: var(--v-text-sm);
  }
  select {
    min-block-size: 32px;
    padding-inline: var(--v-s2);
    border: 1px solid var(--v-line-strong);
    border-radius: var(--v-radius-sm);
    background: var(--v-surface);
    color: var(--v-text);
    font: inherit;
  }
  /* Time runs from left to right in every language, as players everywhere show it. */
  .lanes {
    position: relative;
    display: grid;
    grid-template-columns: 96px minmax(0, 1fr);
    direction: ltr;
  }
  .labels {
    position: relative;
    color: var(--v-muted);
    font-size: var(--v-text-xs);
  }
  .labels span {
    position: absolute;
    inset-inline: 0 var(--v-s2);
    line-height: 1.3;
  }
  .plot {
    position: relative;
    min-inline-size: 0;
    cursor: pointer;
    touch-action: pan-y;
    user-select: none;
  }
  @container (max-width: 620px) {
    .lanes {
      grid-template-columns: minmax(0, 1fr);
    }
    .labels {
      position: absolute;
      inset: 0;
      pointer-events: none;
    }
  }
  svg.all {
    display: block;
    inline-size: 100%;
    overflow: hidden;
  }
  .ground {
    fill: var(--v-sunken);
  }
  .tick {
    stroke: var(--v-line-strong);
    stroke-opacity: 0.35;
  }
  text {
    fill: var(--v-muted);
    font: 500 11px var(--v-font);
    font-variant-numeric: tabular-nums;
  }
  .scale {
    text-anchor: end;
  }
  text.band-name {
    fill: var(--v-text);
    font-weight: 600;
    paint-order: stroke;
    stroke: var(--v-surface);
    stroke-width: 3px;
  }
  .head,
  .cursor {
    position: absolute;
    inset-block: 14px 0;
    inline-size: 2px;
    margin-inline-start: -1px;
    background: var(--v-text);
    pointer-events: none;
  }
  .cursor {
    inline-size: 1px;
    margin-inline-start: 0;
    opacity: 0.5;
  }
  .markers {
    position: relative;
    /* Until a new width is measured they stand where they stood. */
    overflow-x: clip;
    overflow-clip-margin: 6px;
    block-size: 28px;
    margin-block-start: 2px;
    grid-column: -2 / -1;
  }
  .marker {
    position: absolute;
    inset-block-start: 1px;
    display: grid;
    place-items: center;
    inline-size: 26px;
    block-size: 26px;
    padding: 0;
    border: 1.5px solid var(--v-accent);
    border-radius: 8px;
    background: var(--v-accent-soft);
    color: var(--v-on-accent-soft);
    font: 700 var(--v-text-xs) / 1 var(--v-font);
    cursor: pointer;
    --vt-icon-size: 16px;
  }
  .marker:hover {
    background: var(--v-accent);
    color: var(--v-on-accent);
  }
  .readout {
    display: flex;
    flex-wrap: wrap;
    gap: var(--v-s1) var(--v-s4);
    min-block-size: 3em;
    margin-block-start: var(--v-s2);
    font-size: var(--v-text-xs);
    font-variant-numeric: tabular-nums;
    line-height: 1.5;
  }
  .readout dl {
    display: flex;
    flex-wrap: wrap;
    gap: 0 var(--v-s2);
  }
  .readout dt {
    color: var(--v-muted);
  }
  .readout dl > div {
    display: flex;
    gap: 4px;
  }
  .readout .of {
    display: flex;
    gap: var(--v-s2);
  }
  .readout .whose {
    font-weight: 600;
  }
  .at {
    min-inline-size: 4em;
    font-weight: 600;
  }
  .matter {
    flex: 1 1 12em;
  }
  .legend {
    display: flex;
    flex-wrap: wrap;
    gap: var(--v-s1) var(--v-s3);
    margin-block-start: var(--v-s2);
    padding: 0;
    list-style: none;
    color: var(--v-muted);
    font-size: var(--v-text-xs);
  }
  .legend li {
    display: inline-flex;
    align-items: center;
    gap: 6px;
  }
  .legend svg {
    flex: none;
    border-radius: 3px;
    background: var(--v-sunken);
  }
  .pan {
    display: grid;
    grid-template-columns: auto minmax(0, 1fr);
    align-items: center;
    gap: var(--v-s2);
    margin-block-start: var(--v-s1);
    color: var(--v-muted);
    font-size: var(--v-text-xs);
  }
  .pan input {
    min-block-size: 24px;
    margin: 0;
    accent-color: var(--v-accent);
    direction: ltr;
  }
`;

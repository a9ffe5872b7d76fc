import { css } from 'lit';

/** Looks of the call's stage: pictures, what lies over them, the controls. */
export const stageStyles = css`
  :host {
    display: block;
    min-inline-size: 0;
    min-block-size: 0;
  }
  .stage {
    position: relative;
    display: grid;
    block-size: 100%;
    min-block-size: 320px;
    overflow: hidden;
    border-radius: var(--v-radius);
    background: var(--v-stage);
    color: var(--v-on-stage);
  }
  .main,
  .instead {
    grid-area: 1 / 1;
    min-block-size: 0;
    min-inline-size: 0;
  }
  video {
    inline-size: 100%;
    block-size: 100%;
    object-fit: cover;
  }
  .main {
    position: absolute;
    inset: 0;
    object-fit: contain;
  }
  .mirrored {
    scale: -1 1;
  }
  .inset {
    position: absolute;
    inset-block-end: 92px;
    inset-inline-end: var(--v-s3);
    inline-size: 24%;
    block-size: auto;
    aspect-ratio: 4 / 3;
    border-radius: var(--v-radius-sm);
  }
  .stage.speaks::after,
  .faces figure.speaks::after {
    position: absolute;
    inset: 0;
    z-index: 1;
    border: 2px solid var(--v-speaking);
    border-radius: inherit;
    content: '';
    pointer-events: none;
  }
  .faces {
    position: absolute;
    inset-block-end: 92px;
    inset-inline-start: var(--v-s3);
    z-index: 3;
    display: flex;
    gap: var(--v-s2);
    max-inline-size: calc(100% - 2 * var(--v-s3));
    overflow: hidden;
  }
  .faces figure {
    position: relative;
    flex: 0 1 160px;
    min-inline-size: 72px;
    margin: 0;
    overflow: hidden;
    aspect-ratio: 4 / 3;
    border-radius: var(--v-radius);
    background: var(--v-stage-raised);
    box-shadow: var(--v-shadow-2);
  }
  .faces figcaption {
    position: absolute;
    inset-inline: 0;
    inset-block-end: 0;
    overflow: hidden;
    padding: 2px var(--v-s2);
    background: rgb(0 0 0 / 0.72);
    font-size: var(--v-text-xs);
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .people {
    display: flex;
    flex-wrap: wrap;
    gap: var(--v-s2);
    margin: 0;
    padding: 0;
    list-style: none;
  }
  .people li {
    display: inline-flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 6px;
    padding: 2px 10px;
    border-radius: var(--v-radius);
    background: color-mix(in srgb, var(--v-stage) 72%, transparent);
    font: 600 var(--v-text-xs) / 1.5 var(--v-font);
  }
  .people li.speaks {
    box-shadow: 0 0 0 2px var(--v-speaking);
  }
  .people em {
    color: var(--v-on-stage-muted);
    font-style: normal;
    font-weight: 400;
  }
  .people .weak {
    font-weight: 400;
  }
  .people .small {
    margin-inline-end: -6px;
    --v-target: 28px;
    --vt-icon-size: 16px;
  }
  .modes {
    display: flex;
    flex-wrap: wrap;
    justify-content: center;
    gap: var(--v-s2);
  }
  .overlay.hold {
    background: rgb(8 14 14 / 0.95);
    --vt-icon-size: 28px;
  }
  @media (max-width: 720px) {
    .faces {
      inset-block-end: 148px;
    }
    .faces figure {
      flex-basis: 88px;
    }
  }
  .instead {
    display: grid;
    place-content: center;
    justify-items: center;
    gap: var(--v-s3);
    padding: var(--v-s5);
    color: var(--v-on-stage-muted);
    text-align: center;
    --vt-avatar-size: 88px;
  }
  .self {
    position: absolute;
    inset-block-start: var(--v-s3);
    inset-inline-end: var(--v-s3);
    z-index: 3;
    display: grid;
    overflow: hidden;
    inline-size: clamp(96px, 20%, 220px);
    aspect-ratio: 4 / 3;
    border: 2px solid rgb(255 255 255 / 0.75);
    border-radius: var(--v-radius);
    background: var(--v-stage-raised);
    box-shadow: var(--v-shadow-2);
  }
  .self > * {
    grid-area: 1 / 1;
    min-block-size: 0;
  }
  .self-off {
    display: grid;
    place-items: center;
    color: var(--v-on-stage-muted);
    --vt-icon-size: 28px;
  }
  .sharing {
    align-self: end;
    display: flex;
    align-items: center;
    gap: var(--v-s1);
    padding: 2px var(--v-s2);
    background: rgb(0 0 0 / 0.72);
    font-size: var(--v-text-xs);
  }
  .badges {
    position: absolute;
    inset-block-start: var(--v-s3);
    inset-inline-start: var(--v-s3);
    z-index: 3;
    display: flex;
    flex-wrap: wrap;
    gap: var(--v-s2);
    max-inline-size: calc(100% - clamp(96px, 20%, 220px) - var(--v-s6));
    font-variant-numeric: tabular-nums;
  }
  .badges .paused {
    flex-basis: 100%;
    max-inline-size: 620px;
  }
  /* Below one's own picture, as wide as the stage. */
  @media (max-width: 720px) {
    .badges .paused {
      flex: none;
      inline-size: calc(100% + 96px);
      margin-block-start: 52px;
    }
  }
  .overlay {
    position: absolute;
    inset: 0;
    z-index: 2;
    display: grid;
    place-content: center;
    justify-items: center;
    gap: var(--v-s2);
    padding: var(--v-s5) var(--v-s5) 88px;
    background: rgb(8 14 14 / 0.72);
    text-align: center;
    --vt-spinner-size: 32px;
  }
  .overlay span {
    color: var(--v-on-stage-muted);
    font-size: var(--v-text-sm);
  }
  .trouble {
    position: absolute;
    inset-inline: var(--v-s3);
    inset-block-end: 84px;
    z-index: 3;
    display: grid;
    gap: var(--v-s2);
    justify-self: center;
    max-inline-size: 560px;
    margin-inline: auto;
    padding: var(--v-s2) var(--v-s3);
    border-radius: var(--v-radius);
    background: rgb(8 14 14 / 0.85);
    font-size: var(--v-text-sm);
  }
  .controls {
    position: absolute;
    inset-inline: 0;
    inset-block-end: 0;
    z-index: 4;
    display: flex;
    flex-wrap: wrap;
    justify-content: center;
    gap: var(--v-s2);
    padding: var(--v-s5) var(--v-s3) var(--v-s3);
    background: linear-gradient(to top, rgb(0 0 0 / 0.6), transparent);
    --v-target: 48px;
    --vt-icon-size: 22px;
  }
  .end {
    margin-inline-start: var(--v-s3);
  }
`;

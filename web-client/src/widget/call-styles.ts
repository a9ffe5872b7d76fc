import { css } from 'lit';

export const callStyles = css`
  :host {
    display: flex;
    flex-direction: column;
    flex: 1;
    min-block-size: 0;
    background: var(--v-stage);
    color: var(--v-on-stage);
  }
  .stage {
    position: relative;
    flex: 1;
    min-block-size: 0;
    overflow: hidden;
  }
  video.main {
    position: absolute;
    inset: 0;
    inline-size: 100%;
    block-size: 100%;
    object-fit: cover;
  }
  video.main.screen {
    object-fit: contain;
  }
  video.corner {
    position: absolute;
    inset-block-end: var(--v-s3);
    inset-inline-start: var(--v-s3);
    inline-size: 96px;
    block-size: 96px;
    border-radius: 50%;
    object-fit: cover;
  }
  .placeholder,
  .veil {
    position: absolute;
    inset: 0;
    display: grid;
    place-content: center;
    justify-items: center;
    gap: var(--v-s3);
    padding: var(--v-s5);
    text-align: center;
    font-size: var(--v-text-sm);
    color: var(--v-on-stage-muted);
    --vt-avatar-size: 96px;
    --vt-spinner-size: 28px;
  }
  .veil.away {
    background: rgb(14 19 20 / 0.8);
    color: var(--v-on-stage);
  }
  .veil span {
    max-inline-size: 30ch;
  }
  .placeholder vt-avatar {
    background: var(--v-stage-raised);
    color: var(--v-on-stage);
  }
  .top {
    position: absolute;
    inset-block-start: 0;
    inset-inline: 0;
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    justify-content: space-between;
    gap: var(--v-s2);
    padding: var(--v-s3) var(--v-s3) var(--v-s6);
    background: linear-gradient(rgb(14 19 20 / 0.78), rgb(14 19 20 / 0));
  }
  .who {
    display: flex;
    align-items: center;
    gap: var(--v-s2);
    min-inline-size: 0;
    min-block-size: 40px;
    padding-inline-end: 52px;
  }
  .who strong {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
    max-inline-size: 22ch;
  }
  .clock {
    font-variant-numeric: tabular-nums;
    font-size: var(--v-text-sm);
    color: var(--v-on-stage-muted);
  }
  .recording {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: var(--v-s2);
    flex-basis: 100%;
  }
  .recording vt-badge {
    --vt-badge-dot: #ff6a5e;
  }
  .notes {
    position: absolute;
    inset-block-end: var(--v-s3);
    inset-inline: var(--v-s3) calc(var(--v-s3) + 112px);
    display: grid;
    justify-items: start;
    gap: var(--v-s2);
    pointer-events: none;
  }
  .notes > * {
    pointer-events: auto;
  }
  .notes p {
    display: flex;
    align-items: flex-start;
    gap: var(--v-s2);
    padding: var(--v-s2) var(--v-s3);
    border-radius: var(--v-radius);
    background: rgb(14 19 20 / 0.82);
    font-size: var(--v-text-xs);
    line-height: 1.4;
  }
  .notes vt-icon {
    --vt-icon-size: 16px;
  }
  .me {
    position: absolute;
    inset-block-end: var(--v-s3);
    inset-inline-end: var(--v-s3);
    inline-size: 100px;
    aspect-ratio: 3 / 4;
    border-radius: var(--v-radius);
    box-shadow: 0 0 0 1px rgb(255 255 255 / 0.18), var(--v-shadow-2);
  }
  .me vitrine-self-view {
    inline-size: 100%;
    block-size: 100%;
  }
  .me .muted {
    position: absolute;
    inset-block-end: 6px;
    inset-inline-start: 6px;
    display: grid;
    place-items: center;
    inline-size: 26px;
    block-size: 26px;
    border-radius: 50%;
    background: var(--v-stage-danger);
    color: var(--v-on-stage-danger);
    --vt-icon-size: 15px;
  }
  vitrine-help-chat {
    flex: 0 0 55%;
    border-start-start-radius: var(--v-radius-lg);
    border-start-end-radius: var(--v-radius-lg);
    overflow: hidden;
  }
  /* Beside the chat the picture is small: what can wait makes room. */
  :host([chatting]) .me {
    inline-size: 64px;
  }
  :host([chatting]) .notes {
    inset-inline-end: calc(var(--v-s3) + 76px);
  }
  :host([chatting]) .notes > :nth-child(n + 2) {
    display: none;
  }
  .controls {
    display: flex;
    justify-content: center;
    gap: var(--v-s3);
    padding: var(--v-s3) var(--v-s3) calc(var(--v-s3) + env(safe-area-inset-bottom, 0px));
    --v-target: 52px;
    --vt-icon-size: 24px;
  }
  .badged {
    position: relative;
    display: inline-flex;
  }
  .count {
    position: absolute;
    inset-block-start: -4px;
    inset-inline-end: -4px;
    min-inline-size: 20px;
    padding-inline: 5px;
    border-radius: 10px;
    background: #8fe9de;
    color: #05211e;
    font: 700 12px / 20px var(--v-font);
    text-align: center;
    pointer-events: none;
  }
  @media (max-block-size: 560px) {
    .me {
      inline-size: 76px;
    }
    .controls {
      --v-target: 44px;
      padding-block: var(--v-s2);
    }
  }
  @media (max-inline-size: 380px) {
    .controls {
      gap: var(--v-s2);
    }
  }
`;

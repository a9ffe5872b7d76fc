import { css } from 'lit';

/** Layout of the agent console's page. */
export const appStyles = css`
  :host {
    display: flex;
    flex-direction: column;
    block-size: 100dvb;
    min-block-size: 0;
  }
  staff-login {
    flex: 1;
  }
  main {
    flex: 1;
    min-block-size: 0;
    overflow: auto;
  }
  .middle {
    display: grid;
    flex: 1;
    place-content: center;
    justify-items: center;
    gap: var(--v-s4);
    min-block-size: 60dvb;
    padding: var(--v-s4);
    color: var(--v-muted);
    --vt-spinner-size: 32px;
  }
  .idle {
    display: grid;
    grid-template-columns: minmax(0, 1fr) 400px;
    gap: var(--v-s4);
    block-size: 100%;
    min-block-size: 0;
    inline-size: min(1080px, 100%);
    margin-inline: auto;
    padding: var(--v-s4);
  }
  .idle.with-ticket {
    grid-template-columns: minmax(0, 1fr) 340px minmax(360px, 1.1fr);
    inline-size: min(1520px, 100%);
  }
  .idle > * {
    min-block-size: 0;
  }
  .first {
    overflow: auto;
    align-content: start;
    display: grid;
    gap: var(--v-s4);
  }
  .ring {
    padding: var(--v-s5) var(--v-s4);
  }
  .saved {
    display: grid;
    gap: var(--v-s3);
    padding: var(--v-s5);
    border: 1px solid var(--v-line);
    border-radius: var(--v-radius);
    background: var(--v-ok-soft);
    color: var(--v-on-ok-soft);
  }
  .saved h1 {
    font-size: var(--v-text-xl);
    line-height: var(--v-leading-tight);
  }
  .saved .buttons {
    display: flex;
    flex-wrap: wrap;
    gap: var(--v-s2);
  }
  .links a {
    display: inline-flex;
    align-items: center;
    min-block-size: var(--v-target);
    color: var(--v-accent);
    font-size: var(--v-text-sm);
    font-weight: 600;
    text-decoration: none;
  }
  @media (max-width: 1180px) {
    .idle.with-ticket {
      grid-template-columns: 340px minmax(0, 1fr);
    }
    .idle.with-ticket .first {
      display: none;
    }
  }
  @media (max-width: 860px) {
    .idle,
    .idle.with-ticket {
      display: flex;
      flex-direction: column;
      block-size: auto;
      padding: var(--v-s3);
    }
    .first {
      overflow: visible;
    }
    .idle.with-ticket console-tickets {
      display: none;
    }
    .ring {
      padding: var(--v-s3);
    }
  }
  /* In a new tab: leaving this page would mean not being rung. */
  .reviews {
    justify-self: start;
    display: inline-flex;
    align-items: center;
    gap: var(--v-s2);
    min-block-size: var(--v-target);
    border-radius: var(--v-radius-sm);
    color: var(--v-accent);
    font-size: var(--v-text-sm);
    font-weight: 600;
  }
  .reviews span {
    color: var(--v-muted);
    font-weight: 400;
  }
`;

import { css, LitElement, type PropertyDeclarations, type PropertyValues } from 'lit';

import { english, type Key, type Params, type Strings } from '../locales/catalogue.ts';
import { Watch } from '../session/observable.ts';
import type { HelpFlow } from './flow.ts';

/** What all screens of the widget share: they render the flow in the language of the page. */
export abstract class FlowElement extends LitElement {
  static override properties: PropertyDeclarations = {
    flow: { attribute: false },
    strings: { attribute: false },
  };

  declare flow: HelpFlow;
  declare strings: Strings;
  readonly #watch = new Watch(this);

  constructor() {
    super();
    this.strings = english;
  }

  protected t(key: Key, params?: Params): string {
    return this.strings.t(key, params);
  }

  /** What a change of renders the screen again. */
  protected watched(): EventTarget | undefined {
    return this.flow;
  }

  protected override willUpdate(changed: PropertyValues): void {
    if (changed.has('flow')) this.#watch.target = this.watched();
  }
}

/** Type and spacing of a screen with words (all but the call). */
export const screen = css`
  :host {
    display: flex;
    flex-direction: column;
    gap: var(--v-s4);
    min-block-size: 0;
    flex: 1;
    overflow-y: auto;
    overscroll-behavior: contain;
    padding: var(--v-s2) var(--v-s5) var(--v-s5);
    scrollbar-width: thin;
  }
  h2 {
    font-size: var(--v-text-xl);
    line-height: var(--v-leading-tight);
    letter-spacing: -0.01em;
    text-wrap: balance;
  }
  h3 {
    font-size: var(--v-text-sm);
    font-weight: 600;
    line-height: var(--v-leading-tight);
  }
  .muted {
    color: var(--v-muted);
  }
  .small {
    font-size: var(--v-text-sm);
  }
  .stack {
    display: grid;
    gap: var(--v-s2);
  }
  .actions {
    display: grid;
    gap: var(--v-s2);
    margin-block-start: auto;
  }
  /* A screen whose answers stay in sight, however long what stands above them is. */
  :host([footed]) {
    overflow: hidden;
    padding: 0;
    gap: 0;
  }
  .scroll {
    display: flex;
    flex-direction: column;
    gap: var(--v-s4);
    flex: 1;
    min-block-size: 0;
    overflow-y: auto;
    overscroll-behavior: contain;
    padding: var(--v-s2) var(--v-s5) var(--v-s4);
    scrollbar-width: thin;
  }
  footer {
    display: grid;
    flex: none;
    gap: var(--v-s2);
    padding: var(--v-s3) var(--v-s5) calc(var(--v-s4) + env(safe-area-inset-bottom, 0px));
    border-block-start: 1px solid var(--v-line);
    text-align: center;
    font-size: var(--v-text-sm);
    color: var(--v-muted);
  }
`;

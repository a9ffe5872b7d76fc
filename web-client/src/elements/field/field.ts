import { css, html, LitElement, nothing, type PropertyValues } from 'lit';

import { base } from '../../design/base.ts';
import { define } from '../define.ts';
import '../icon/icon.ts';

/** A choice of a field with `options`. */
export interface FieldOption {
  value: string;
  label: string;
}

/**
 * A labelled control: one line (`type` as of `<input>`), several lines (`rows` ≥ 2) or a choice (`options`).
 * Takes part in the form around it under `name`. `error` is shown, tied to the control and read out.
 *
 * @fires input - on every change of the text
 * @fires change - when the value is settled
 */
export class VtField extends LitElement {
  static formAssociated = true;
  static override shadowRootOptions: ShadowRootInit = { mode: 'open', delegatesFocus: true };
  static override properties = {
    label: { type: String },
    hideLabel: { type: Boolean, attribute: 'hide-label' },
    name: { type: String },
    type: { type: String },
    value: { type: String },
    placeholder: { type: String },
    hint: { type: String },
    error: { type: String, reflect: true },
    autocomplete: { type: String },
    maxlength: { type: Number },
    rows: { type: Number },
    options: { attribute: false },
    icon: { type: String },
    required: { type: Boolean },
    disabled: { type: Boolean, reflect: true },
    testid: { type: String },
  };
  static override styles = [
    base,
    css`
      :host {
        display: block;
        font: 400 var(--v-text-md) / var(--v-leading) var(--v-font);
        color: var(--v-text);
      }
      label {
        display: block;
        margin-block-end: var(--v-s1);
        font-size: var(--v-text-sm);
        font-weight: 600;
      }
      .box {
        position: relative;
        display: flex;
        align-items: center;
      }
      .box > vt-icon {
        position: absolute;
        color: var(--v-muted);
        pointer-events: none;
        inset-inline-start: var(--v-s3);
      }
      .box > vt-icon.end {
        inset-inline: auto var(--v-s3);
      }
      input,
      textarea,
      select {
        display: block;
        inline-size: 100%;
        min-block-size: max(44px, var(--v-target));
        padding: var(--v-s2) var(--v-s3);
        border: 1px solid var(--v-line-strong);
        border-radius: var(--v-radius);
        background: var(--v-surface);
        color: inherit;
        /* 16 px or more, or iOS zooms the page in on focus. */
        font: 400 max(16px, var(--v-text-md)) / var(--v-leading) var(--v-font);
      }
      .iconed {
        padding-inline-start: calc(var(--v-s3) + 1.75em);
      }
      textarea {
        resize: vertical;
      }
      select {
        appearance: none;
        padding-inline-end: calc(var(--v-s3) + 1.75em);
        text-overflow: ellipsis;
      }
      ::placeholder {
        color: var(--v-muted);
        opacity: 1;
      }
      input:focus-visible,
      textarea:focus-visible,
      select:focus-visible {
        outline-offset: -1px;
      }
      [aria-invalid='true'] {
        border-color: var(--v-danger);
      }
      :disabled {
        opacity: 0.6;
        cursor: not-allowed;
      }
      .hint,
      .error {
        margin-block-start: var(--v-s1);
        font-size: var(--v-text-sm);
        color: var(--v-muted);
      }
      .error {
        color: var(--v-danger);
      }
    `,
  ];

  declare label: string;
  /** The label stays for screen readers only (a search box with an icon, say). */
  declare hideLabel: boolean;
  declare name: string;
  declare type: string;
  declare value: string;
  declare placeholder: string;
  declare hint: string;
  declare error: string;
  declare autocomplete: AutoFill | '';
  declare maxlength: number | undefined;
  declare rows: number;
  declare options: readonly FieldOption[] | undefined;
  declare icon: string;
  declare required: boolean;
  declare disabled: boolean;
  /** `data-testid` of the control itself, which is what tests fill and select. */
  declare testid: string;

  readonly #internals = this.attachInternals();

  constructor() {
    super();
    this.label = '';
    this.hideLabel = false;
    this.name = '';
    this.type = 'text';
    this.value = '';
    this.placeholder = '';
    this.hint = '';
    this.error = '';
    this.autocomplete = '';
    this.maxlength = undefined;
    this.rows = 1;
    this.options = undefined;
    this.icon = '';
    this.required = false;
    this.disabled = false;
    this.testid = '';
  }

  override render() {
    const described =
      [this.error ? 'error' : '', this.hint ? 'hint' : ''].filter(Boolean).join(' ') || nothing;
    return html`<label for="control" class=${this.hideLabel ? 'sr-only' : nothing}>${this.label}</label>
      <div class="box">
        ${this.icon ? html`<vt-icon name=${this.icon}></vt-icon>` : nothing}${this.#control(described)}
      </div>
      ${this.error ? html`<p class="error" id="error" role="alert">${this.error}</p>` : nothing}
      ${this.hint ? html`<p class="hint" id="hint">${this.hint}</p>` : nothing}`;
  }

  #control(described: string | typeof nothing) {
    const invalid = this.error ? 'true' : nothing;
    const iconed = this.icon ? 'iconed' : nothing;
    if (this.options) {
      return html`<select
          id="control"
          data-testid=${this.testid || nothing}
          class=${iconed}
          ?disabled=${this.disabled}
          ?required=${this.required}
          aria-invalid=${invalid}
          aria-describedby=${described}
          @change=${this.#onInput}
        >
          ${this.placeholder ? html`<option value="" ?selected=${this.value === ''} disabled>${this.placeholder}</option>` : nothing}
          ${this.options.map(
            (option) =>
              html`<option value=${option.value} ?selected=${option.value === this.value}>${option.label}</option>`,
          )}
        </select>
        <vt-icon class="end" name="down"></vt-icon>`;
    }
    if (this.rows > 1) {
      return html`<textarea
        id="control"
        data-testid=${this.testid || nothing}
        rows=${this.rows}
        .value=${this.value}
        placeholder=${this.placeholder || nothing}
        maxlength=${this.maxlength ?? nothing}
        ?disabled=${this.disabled}
        ?required=${this.required}
        aria-invalid=${invalid}
        aria-describedby=${described}
        @input=${this.#onInput}
        @change=${this.#onChange}
      ></textarea>`;
    }
    return html`<input
      id="control"
      data-testid=${this.testid || nothing}
      class=${iconed}
      type=${this.type}
      .value=${this.value}
      placeholder=${this.placeholder || nothing}
      autocomplete=${this.autocomplete || nothing}
      maxlength=${this.maxlength ?? nothing}
      ?disabled=${this.disabled}
      ?required=${this.required}
      aria-invalid=${invalid}
      aria-describedby=${described}
      @input=${this.#onInput}
      @change=${this.#onChange}
      @keydown=${this.#onKey}
    />`;
  }

  override updated(changed: PropertyValues<this>) {
    if (changed.has('value')) this.#internals.setFormValue(this.value);
  }

  #onInput(event: Event) {
    this.value = (event.target as HTMLInputElement).value;
    // `input` crosses the shadow boundary by itself, `change` does not.
    if (event.type === 'change') this.#onChange();
  }

  #onChange() {
    this.dispatchEvent(new Event('change', { bubbles: true, composed: true }));
  }

  #onKey(event: KeyboardEvent) {
    if (event.key === 'Enter' && !event.isComposing) this.#internals.form?.requestSubmit();
  }
}

define('vt-field', VtField);

declare global {
  interface HTMLElementTagNameMap {
    'vt-field': VtField;
  }
}

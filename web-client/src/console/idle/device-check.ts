import { css, html, LitElement, nothing } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/banner/banner.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import '../../elements/field/field.ts';
import '../../elements/spinner/spinner.ts';
import { type Device, type LocalMedia, type LocalSource, playTestTone } from '../../media/index.ts';
import { Watch } from '../../session/observable.ts';
import '../../staff/icons.ts';
import { reasonText } from '../devices.ts';
import { picture, streamOf } from '../video.ts';
import './level-bar.ts';

/**
 * Camera and microphone before a call: own picture, level, choice of devices, and what is wrong when they do not work.
 *
 * @fires devices-open - the person wants camera and microphone on
 */
export class ConsoleDevices extends LitElement {
  static override properties = { local: { attribute: false } };
  static override styles = [
    base,
    css`
      :host {
        display: grid;
        gap: var(--v-s3);
      }
      .preview {
        position: relative;
        display: grid;
        overflow: hidden;
        aspect-ratio: 16 / 9;
        border-radius: var(--v-radius);
        background: var(--v-stage);
        color: var(--v-on-stage-muted);
        font-size: var(--v-text-sm);
      }
      video,
      .instead {
        grid-area: 1 / 1;
        inline-size: 100%;
        block-size: 100%;
        min-block-size: 0;
      }
      video {
        object-fit: cover;
      }
      .mirrored {
        scale: -1 1;
      }
      .instead {
        display: grid;
        place-content: center;
        justify-items: center;
        gap: var(--v-s3);
        padding: var(--v-s4);
        text-align: center;
      }
      .choices {
        display: grid;
        grid-template-columns: 1fr 1fr;
        gap: var(--v-s3);
      }
      .level {
        display: grid;
        grid-template-columns: auto 1fr;
        gap: var(--v-s3);
        align-items: center;
        font-size: var(--v-text-sm);
        color: var(--v-muted);
      }
      .buttons {
        display: flex;
        flex-wrap: wrap;
        gap: var(--v-s2);
      }
      @media (max-width: 520px) {
        .choices {
          grid-template-columns: 1fr;
        }
      }
    `,
  ];

  declare local: LocalMedia | undefined;
  readonly #watch = new Watch(this);
  #testing = false;

  constructor() {
    super();
    this.local = undefined;
  }

  override willUpdate() {
    this.#watch.target = this.local;
  }

  override render() {
    const local = this.local;
    if (local === undefined) return nothing;
    const { camera, microphone } = local;
    const off = camera.state === 'off' && microphone.state === 'off';
    return html`
      <div class="preview">${this.#preview(local)}</div>
      ${microphone.track ? html`<div class="level"><span>Microphone level</span><console-level .track=${microphone.track}></console-level></div>` : nothing}
      ${this.#failure('camera', camera)} ${this.#failure('microphone', microphone)}
      ${
        off
          ? nothing
          : html`<div class="choices">
              ${this.#choice('Camera', local.devices.cameras, local.cameraId, (id) => local.openCamera(id))}
              ${this.#choice('Microphone', local.devices.microphones, local.microphoneId, (id) => local.openMicrophone(id))}
            </div>`
      }
      <div class="buttons">
        ${
          off
            ? html`<vt-button icon="camera" data-testid="open-devices" @click=${this.#open}>Check them now</vt-button>`
            : camera.state === 'off'
              ? html`<vt-button icon="camera" @click=${() => local.setCamera(true)}>Turn the camera on</vt-button>`
              : nothing
        }
        <vt-button variant="quiet" icon="speaker" ?busy=${this.#testing} @click=${this.#test}>Test the speaker</vt-button>
      </div>
    `;
  }

  #preview(local: LocalMedia) {
    const { camera } = local;
    if (camera.track && camera.state === 'live') {
      return picture(streamOf(camera.track), {
        testid: 'self-video',
        mirrored: !local.facesAway,
        label: 'Your own picture',
      });
    }
    if (camera.state === 'opening') {
      return html`<div class="instead" role="status"><vt-spinner></vt-spinner>Your browser may ask you to allow camera and microphone</div>`;
    }
    return html`<div class="instead">
      <vt-icon name="camera-off"></vt-icon>
      ${camera.state === 'failed' ? 'No picture' : 'Your camera is off'}
    </div>`;
  }

  #failure(which: 'camera' | 'microphone', source: LocalSource) {
    if (source.state !== 'failed' || source.reason === undefined) return nothing;
    const still =
      which === 'camera'
        ? 'Buyers can hear you but not see you.'
        : 'Buyers cannot hear you; you can still see them and chat.';
    return html`<vt-banner tone=${which === 'microphone' ? 'danger' : 'warn'} heading=${`No ${which}`} data-testid=${`no-${which}`}>
      ${reasonText(which, source.reason)} ${still}
      <div slot="actions"><vt-button size="sm" icon="refresh" @click=${this.#open}>Try again</vt-button></div>
    </vt-banner>`;
  }

  #choice(
    label: string,
    devices: readonly Device[],
    chosen: string | undefined,
    choose: (id: string) => void,
  ) {
    if (devices.length < 2) return nothing;
    return html`<vt-field
      label=${label}
      .options=${devices.map(({ id, label: name }, index) => ({ value: id, label: name || `${label} ${index + 1}` }))}
      .value=${chosen ?? ''}
      @change=${(event: Event) => choose((event.currentTarget as HTMLElementTagNameMap['vt-field']).value)}
    ></vt-field>`;
  }

  #open() {
    this.dispatchEvent(new CustomEvent('devices-open'));
  }

  async #test() {
    this.#testing = true;
    this.requestUpdate();
    try {
      await playTestTone();
    } finally {
      this.#testing = false;
      this.requestUpdate();
    }
  }
}

define('console-devices', ConsoleDevices);

declare global {
  interface HTMLElementTagNameMap {
    'console-devices': ConsoleDevices;
  }
}

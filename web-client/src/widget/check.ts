import { css, html, nothing } from 'lit';

import { base } from '../design/base.ts';
import '../elements/banner/banner.ts';
import '../elements/button/button.ts';
import { define } from '../elements/define.ts';
import '../elements/field/field.ts';
import '../elements/icon/icon.ts';
import type { Device, LevelMeter, LocalSource } from '../media/index.ts';
import { DEVICE_TEXT } from './device-text.ts';
import { FlowElement, screen } from './flow-element.ts';
import './self-view.ts';

/** Milliseconds between two looks at the microphone's level. */
const METER_MS = 80;
const BARS = 20;

/** Camera, microphone and speaker before anybody answers; every part can fail and every failure has a way on. */
export class HelpCheck extends FlowElement {
  static override properties = { level: { state: true }, tone: { state: true } };
  static override styles = [
    base,
    screen,
    css`
      .view {
        position: relative;
        flex: none;
        aspect-ratio: 4 / 3;
        max-block-size: 34dvb;
        border-radius: var(--v-radius);
        overflow: hidden;
        background: var(--v-stage);
      }
      .view vitrine-self-view {
        inline-size: 100%;
        block-size: 100%;
      }
      .view vt-button {
        position: absolute;
        inset-block-end: var(--v-s3);
        inset-inline-end: var(--v-s3);
      }
      .view .says {
        position: absolute;
        inset: 0;
        display: grid;
        place-items: center;
        padding: var(--v-s5);
        text-align: center;
        color: var(--v-on-stage);
        background: rgb(14 19 20 / 0.72);
        font-size: var(--v-text-sm);
      }
      .meter {
        display: flex;
        align-items: center;
        gap: var(--v-s3);
        --vt-icon-size: 20px;
      }
      .bars {
        display: flex;
        flex: 1;
        gap: 3px;
      }
      .bars i {
        flex: 1;
        block-size: 14px;
        border-radius: 2px;
        background: var(--v-line);
      }
      .bars i.on {
        background: var(--v-ok);
      }
      .sound {
        display: flex;
        flex-wrap: wrap;
        gap: var(--v-s2);
        align-items: end;
      }
      .sound vt-field {
        flex: 1 1 180px;
        min-inline-size: 0;
      }
    `,
  ];

  declare level: number;
  declare tone: boolean;
  #meter: LevelMeter | undefined;
  #measured: MediaStreamTrack | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor() {
    super();
    this.level = 0;
    this.tone = false;
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    this.#measure(undefined);
  }

  override render() {
    const local = this.flow.media?.local;
    const camera = local?.camera;
    const microphone = local?.microphone;
    const asking = !local || camera?.state === 'opening' || microphone?.state === 'opening';
    const devices = local?.devices;
    return html`
      <div class="scroll">
      <h2 id="title">${this.t('checkTitle')}</h2>
      <div class="view">
        <vitrine-self-view ?hidden=${asking && !camera?.track} .track=${camera?.track} ?away=${local?.facesAway ?? false} label=${this.t('selfView')}></vitrine-self-view>
        ${
          asking
            ? html`<div class="says"><span>${this.t('checkAsking')}</span></div>`
            : html`<vt-button
                data-testid="check-camera"
                variant="stage"
                round
                icon=${camera?.track ? 'camera' : 'camera-off'}
                label=${this.t(camera?.track ? 'turnCameraOff' : 'turnCameraOn')}
                @click=${() => local?.setCamera(!camera?.track)}
              ></vt-button>`
        }
      </div>
      ${microphone?.track ? this.#meterBar() : nothing}
      ${this.#troubles(microphone, camera)}
      ${this.#picker('microphone', devices?.microphones, local?.microphoneId, (id) => local?.openMicrophone(id))}
      ${this.#picker('camera', devices?.cameras, local?.cameraId, (id) => local?.openCamera(id))}
      <div class="sound">
        ${this.#canPickSpeaker ? this.#picker('speaker', devices?.speakers, this.flow.speakerId, (id) => this.#pickSpeaker(id)) : nothing}
        <vt-button icon="speaker" ?disabled=${this.tone || !local} @click=${this.#playTone}
          >${this.t(this.tone ? 'playingTone' : 'playTone')}</vt-button
        >
      </div>
      </div>
      <footer>
        <vt-button
          data-testid="continue"
          variant="primary"
          size="lg"
          block
          ?disabled=${asking}
          @click=${() => this.flow.join()}
          >${this.t(continueText(microphone, camera))}</vt-button
        >
        <vt-button data-testid="skip-check" variant="quiet" block @click=${() => this.flow.join()}
          >${this.t('skipCheck')}</vt-button
        >
      </footer>
    `;
  }

  override updated() {
    this.#measure(this.flow.media?.local.microphone.track);
  }

  #meterBar() {
    const lit = Math.round(this.level * BARS);
    return html`<div class="meter">
        <vt-icon name="mic"></vt-icon>
        <div class="bars" role="img" aria-label=${this.t('micLevel')}>
          ${Array.from({ length: BARS }, (_, index) => html`<i class=${index < lit ? 'on' : ''}></i>`)}
        </div>
      </div>
      <p class="muted small">${this.t('micTry')}</p>`;
  }

  #troubles(microphone: LocalSource | undefined, camera: LocalSource | undefined) {
    const local = this.flow.media?.local;
    // One cause for both is told once.
    if (microphone?.state === 'failed' && camera?.state === 'failed' && microphone.reason === camera.reason) {
      return this.#trouble(camera, 'checkTitle', () => local?.openBoth());
    }
    return [
      this.#trouble(microphone, 'microphoneTrouble', () => local?.openMicrophone()),
      this.#trouble(camera, 'cameraTrouble', () => local?.openCamera()),
    ];
  }

  #trouble(
    source: LocalSource | undefined,
    heading: 'microphoneTrouble' | 'cameraTrouble' | 'checkTitle',
    retry: () => unknown,
  ) {
    if (source?.state !== 'failed' || !source.reason) return nothing;
    return html`<vt-banner tone="warn" heading=${this.t(heading)}
      >${this.t(DEVICE_TEXT[source.reason])}
      <vt-button slot="actions" size="sm" icon="refresh" @click=${retry}>${this.t('retry')}</vt-button></vt-banner
    >`;
  }

  /** Only where there is something to choose. */
  #picker(
    kind: 'microphone' | 'camera' | 'speaker',
    devices: readonly Device[] | undefined,
    chosen: string | undefined,
    pick: (id: string) => unknown,
  ) {
    if (!devices || devices.length < 2 || devices.some((device) => !device.id)) return nothing;
    const options = devices.map((device, index) => ({
      value: device.id,
      label: device.label || this.t('deviceNumber', { n: index + 1 }),
    }));
    return html`<vt-field
      label=${this.t(kind)}
      .options=${options}
      .value=${chosen ?? options[0]?.value ?? ''}
      @change=${(event: Event) => pick((event.target as HTMLElementTagNameMap['vt-field']).value)}
    ></vt-field>`;
  }

  get #canPickSpeaker() {
    return 'setSinkId' in HTMLMediaElement.prototype;
  }

  #pickSpeaker(id: string) {
    this.flow.speakerId = id;
    this.requestUpdate();
  }

  async #playTone() {
    this.tone = true;
    try {
      await this.flow.mediaModule?.playTestTone(this.flow.speakerId);
    } catch {
      // The chosen speaker is gone: the default one plays the call, too.
      this.flow.speakerId = undefined;
    } finally {
      this.tone = false;
    }
  }

  #measure(track: MediaStreamTrack | undefined) {
    const measured = track?.readyState === 'live' ? track : undefined;
    if (measured === this.#measured) return;
    this.#measured = measured;
    clearInterval(this.#timer);
    this.#meter?.close();
    this.#meter = undefined;
    const module = this.flow?.mediaModule;
    if (!measured || !module) return;
    this.#meter = new module.LevelMeter(measured);
    this.#timer = setInterval(() => {
      this.level = this.#meter?.level ?? 0;
    }, METER_MS);
  }
}

function continueText(microphone: LocalSource | undefined, camera: LocalSource | undefined) {
  if (microphone?.track && camera?.track) return 'continue';
  if (microphone?.track) return 'continueAudio';
  return microphone?.state === 'failed' && !camera?.track ? 'continueSilent' : 'continue';
}

define('vitrine-help-check', HelpCheck);

declare global {
  interface HTMLElementTagNameMap {
    'vitrine-help-check': HelpCheck;
  }
}

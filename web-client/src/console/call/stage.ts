import { html, LitElement, nothing, type PropertyValues } from 'lit';
import { live } from 'lit/directives/live.js';
import { createRef, ref } from 'lit/directives/ref.js';

import { base } from '../../design/base.ts';
import '../../elements/avatar/avatar.ts';
import '../../elements/badge/badge.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import '../../elements/spinner/spinner.ts';
import { DeviceError, onFirstFrame, play } from '../../media/index.ts';
import type { CallView, Party, RecordingState, Source } from '../../protocol.ts';
import { Watch } from '../../session/observable.ts';
import { clockTime } from '../../staff/format.ts';
import '../../staff/icons.ts';
import { serverNow } from '../../staff/server-time.ts';
import type { Desk } from '../desk.ts';
import { reasonText } from '../devices.ts';
import { picture, streamOf } from '../video.ts';
import { stageStyles } from './stage-styles.ts';

const RECORDING: Record<
  RecordingState,
  { readonly tone: 'stage' | 'danger' | 'warn'; readonly words: string }
> = {
  off: { tone: 'stage', words: 'Not recorded' },
  on: { tone: 'danger', words: 'Recording' },
  deleted: { tone: 'stage', words: 'Recording deleted' },
  failed: { tone: 'warn', words: 'Recording failed' },
};

/**
 * The picture and sound of a call, and what the agent does with their own.
 *
 * @fires console-note - something to say for a moment; `detail` is the text
 */
export class ConsoleStage extends LitElement {
  static override properties = { desk: { attribute: false } };
  static override styles = [base, stageStyles];

  declare desk: Desk | undefined;
  readonly #watch = new Watch(this);
  readonly #remote = createRef<HTMLVideoElement>();
  readonly #voice = createRef<HTMLAudioElement>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #soundBlocked = false;
  #lostAt: number | undefined;
  #hangingUp = false;
  #stopWaiting: (() => void) | undefined;
  #watchedStream: MediaStream | undefined;

  constructor() {
    super();
    this.desk = undefined;
  }

  override connectedCallback() {
    super.connectedCallback();
    this.#timer = setInterval(() => this.requestUpdate(), 500);
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    clearInterval(this.#timer);
    this.#stopWaiting?.();
    this.desk?.media.views.watch(this, []);
  }

  override willUpdate(changed: PropertyValues<this>) {
    if (changed.has('desk')) this.#watch.target = this.desk;
    const other = this.desk?.store.other;
    if (other === undefined || other.present) this.#lostAt = undefined;
    else this.#lostAt ??= Date.now();
  }

  override updated() {
    this.desk?.media.views.watch(this, this.renderRoot.querySelectorAll('video'));
    const video = this.#remote.value;
    const stream = video?.srcObject as MediaStream | null;
    if (video && stream && stream !== this.#watchedStream) {
      this.#watchedStream = stream;
      this.#stopWaiting?.();
      this.#stopWaiting = onFirstFrame(video, () => this.desk?.store.firstFrameShown());
    }
  }

  override render() {
    const desk = this.desk;
    const call = desk?.call;
    if (!desk || !call) return nothing;
    const { other } = desk.store;
    return html`<section class="stage" aria-label="Call">
      ${other ? this.#other(desk, other) : nothing} ${this.#self(desk)} ${this.#badges(desk, call)}
      ${other ? this.#overlay(desk, other) : nothing} ${this.#trouble(desk)} ${this.#controls(desk)}
    </section>`;
  }

  #other(desk: Desk, other: Party) {
    const shows = (source: Source): MediaStream | undefined =>
      other.sending.includes(source) ? desk.media.stream(other.id, source) : undefined;
    const screen = shows('screen');
    const camera = shows('camera');
    const main = screen ?? camera;
    return html`
      ${
        main
          ? picture(main, {
              testid: 'remote-video',
              class: 'main',
              label: `${other.name}, ${screen ? 'screen' : 'camera'}`,
              element: this.#remote,
            })
          : html`<div class="instead">
              <vt-avatar name=${other.name}></vt-avatar>
              <span>${other.sending.includes('camera') ? 'The picture is coming…' : `${other.name || 'The buyer'} has the camera off`}</span>
            </div>`
      }
      ${screen && camera ? picture(camera, { class: 'inset', label: `${other.name}, camera` }) : nothing}
      <audio
        autoplay
        data-testid="remote-audio"
        .srcObject=${live(desk.media.stream(other.id, 'microphone') ?? null)}
        ${ref(this.#voice)}
        @loadedmetadata=${this.#onVoice}
      ></audio>
    `;
  }

  #self(desk: Desk) {
    const { local } = desk.media;
    const { camera, screen } = local;
    return html`<div class="self">
      ${
        camera.track && camera.state === 'live'
          ? picture(streamOf(camera.track), {
              testid: 'self-video',
              mirrored: !local.facesAway,
              label: 'Your own picture',
            })
          : html`<span class="self-off"><vt-icon name="camera-off"></vt-icon></span>`
      }
      ${screen.state === 'live' ? html`<span class="sharing"><vt-icon name="screen"></vt-icon>You share your screen</span>` : nothing}
    </div>`;
  }

  #badges(desk: Desk, call: CallView) {
    const recording = RECORDING[call.recording];
    const began = call.accepted_at === undefined ? undefined : Date.parse(call.accepted_at);
    const { other } = desk.store;
    return html`<div class="badges">
      <vt-badge
        tone=${recording.tone}
        ?dot=${call.recording === 'on'}
        ?pulse=${call.recording === 'on'}
        data-testid="recording"
        role="status"
        >${recording.words}</vt-badge
      >
      ${
        began === undefined
          ? nothing
          : html`<vt-badge tone="stage" data-testid="call-timer"><span role="timer" aria-label="Length of the call">${clockTime(serverNow() - began)}</span></vt-badge>`
      }
      ${other && !other.sending.includes('microphone') && other.present ? html`<vt-badge tone="stage"><vt-icon name="mic-off"></vt-icon>${other.name || 'Buyer'} is muted</vt-badge>` : nothing}
    </div>`;
  }

  /** What keeps the two apart right now, the gravest first. */
  #overlay(desk: Desk, other: Party) {
    if (!desk.connected || desk.media.state === 'interrupted') {
      return html`<div class="overlay" role="alert">
        <vt-spinner></vt-spinner>
        <strong>Your connection is interrupted</strong>
        <span>Reconnecting; the buyer sees that you are coming back.</span>
      </div>`;
    }
    if (!other.present) {
      const leftS = Math.max(
        0,
        Math.round(desk.store.graceS - (Date.now() - (this.#lostAt ?? Date.now())) / 1000),
      );
      return html`<div class="overlay" role="alert" data-testid="buyer-lost">
        <vt-spinner></vt-spinner>
        <strong>${other.name || 'The buyer'} is reconnecting</strong>
        <span>Their connection broke. The call ends if they are not back in ${leftS} s.</span>
      </div>`;
    }
    if (this.#soundBlocked) {
      return html`<div class="overlay">
        <strong>Your browser keeps the sound off</strong>
        <vt-button variant="primary" icon="speaker" @click=${this.#onVoice}>Hear the buyer</vt-button>
      </div>`;
    }
    if (desk.media.state === 'connecting') {
      return html`<div class="overlay" role="status"><vt-spinner></vt-spinner><strong>Connecting sound and picture…</strong></div>`;
    }
    return nothing;
  }

  /** What of the agent does not reach the buyer because a device does not work. */
  #trouble(desk: Desk) {
    const { microphone, camera } = desk.media.local;
    const notes = [
      microphone.state === 'failed' && microphone.reason
        ? html`<p data-testid="no-microphone"><strong>The buyer cannot hear you.</strong> ${reasonText('microphone', microphone.reason)}</p>`
        : nothing,
      camera.state === 'failed' && camera.reason
        ? html`<p data-testid="no-camera"><strong>The buyer cannot see you.</strong> ${reasonText('camera', camera.reason)}</p>`
        : nothing,
    ].filter((note) => note !== nothing);
    return notes.length > 0 ? html`<div class="trouble" role="status">${notes}</div>` : nothing;
  }

  #controls(desk: Desk) {
    const { local } = desk.media;
    const { microphone, camera, screen } = local;
    const heard = microphone.state === 'live';
    const seen = camera.state === 'live';
    const sharing = screen.state === 'live';
    return html`<div class="controls" role="toolbar" aria-label="Call controls">
      <vt-button
        variant="stage" round icon=${heard ? 'mic' : 'mic-off'} data-testid="mute"
        label=${heard ? 'Mute (M)' : 'Unmute (M)'} .pressed=${!heard} ?busy=${microphone.state === 'opening'}
        @click=${() => this.toggleMute()}
      ></vt-button>
      <vt-button
        variant="stage" round icon=${seen ? 'camera' : 'camera-off'} data-testid="camera"
        label=${seen ? 'Camera off (V)' : 'Camera on (V)'} .pressed=${!seen} ?busy=${camera.state === 'opening'}
        @click=${() => this.toggleCamera()}
      ></vt-button>
      ${
        local.canFlip
          ? html`<vt-button variant="stage" round icon="flip" data-testid="flip" label="Other camera (F)" @click=${() => this.flip()}></vt-button>`
          : nothing
      }
      ${
        local.canShareScreen
          ? html`<vt-button variant="stage" round icon="screen" data-testid="screen" label=${sharing ? 'Stop sharing (S)' : 'Share your screen (S)'} .pressed=${sharing} @click=${() => this.toggleScreen()}></vt-button>`
          : nothing
      }
      <vt-button class="end" variant="stage-danger" round icon="hang-up" data-testid="hangup" label="Hang up" ?busy=${this.#hangingUp} @click=${this.#hangUp}></vt-button>
    </div>`;
  }

  toggleMute(): void {
    const local = this.desk?.media.local;
    if (local) void this.#try('microphone', () => local.setMuted(local.microphone.state === 'live'));
  }

  toggleCamera(): void {
    const local = this.desk?.media.local;
    if (local) void this.#try('camera', () => local.setCamera(local.camera.state !== 'live'));
  }

  flip(): void {
    const local = this.desk?.media.local;
    if (local?.canFlip) void this.#try('camera', () => local.flip());
  }

  toggleScreen(): void {
    const local = this.desk?.media.local;
    if (!local?.canShareScreen) return;
    if (local.screen.state === 'live') local.stopScreen();
    else void this.#try('screen', () => local.shareScreen());
  }

  #hangUp() {
    this.#hangingUp = this.desk?.store.hangUp() ?? false;
    if (!this.#hangingUp)
      this.#note('You are not connected; the call ends by itself if you do not come back.');
    this.requestUpdate();
  }

  async #try(which: Source, action: () => Promise<void>) {
    try {
      await action();
    } catch (error) {
      // Closing the screen picker is a change of mind, not a failure.
      const reason = error instanceof DeviceError ? error.reason : 'unknown';
      if (which !== 'screen' || (reason !== 'denied' && reason !== 'dismissed'))
        this.#note(reasonText(which, reason));
    }
    const source = this.desk?.media.local[which];
    if (source?.state === 'failed' && source.reason !== undefined)
      this.#note(reasonText(which, source.reason));
  }

  readonly #onVoice = async (): Promise<void> => {
    const voice = this.#voice.value;
    if (!voice) return;
    this.#soundBlocked = (await play(voice)) === 'blocked';
    this.requestUpdate();
  };

  #note(text: string) {
    this.dispatchEvent(new CustomEvent<string>('console-note', { detail: text }));
  }
}

define('console-stage', ConsoleStage);

declare global {
  interface HTMLElementTagNameMap {
    'console-stage': ConsoleStage;
  }
}

import { html, nothing, type PropertyValues } from 'lit';

import { base } from '../design/base.ts';
import '../elements/avatar/avatar.ts';
import '../elements/badge/badge.ts';
import '../elements/button/button.ts';
import { define } from '../elements/define.ts';
import '../elements/icon/icon.ts';
import '../elements/spinner/spinner.ts';
import type { Key } from '../locales/catalogue.ts';
import type { DeviceReason, LocalSource } from '../media/index.ts';
import type { Party, RecordingState, Source } from '../protocol.ts';
import { callStyles } from './call-styles.ts';
import './chat.ts';
import { DEVICE_TEXT } from './device-text.ts';
import { FlowElement } from './flow-element.ts';
import { MutedSpeech } from './muted-speech.ts';
import './self-view.ts';

const RECORDING: Record<RecordingState, Key> = {
  on: 'recordingOn',
  paused: 'recordingPaused',
  off: 'recordingOff',
  stopped: 'recordingStopped',
  deleted: 'recordingDeleted',
  withheld: 'recordingWithheld',
  failed: 'recordingFailed',
};
/** How long a note about something that did not work stays, milliseconds. */
const NOTE_MS = 6_000;

/**
 * The call: the agent's picture large, one's own small, the controls below.
 *
 * @fires ask-consent - the buyer wants to change the choice about recording (`detail`: the new choice)
 */
export class HelpCall extends FlowElement {
  static override properties = {
    chatOpen: { type: Boolean, attribute: 'chatting', reflect: true },
    chatRead: { state: true },
    soundBlocked: { state: true },
    framesShown: { state: true },
    note: { state: true },
  };
  static override styles = [base, callStyles];

  declare chatOpen: boolean;
  declare chatRead: number;
  declare soundBlocked: boolean;
  declare framesShown: boolean;
  declare note: string;

  readonly #failedAtMs = new WeakMap<LocalSource, number>();
  #clock: ReturnType<typeof setInterval> | undefined;
  #noteTimer: ReturnType<typeof setTimeout> | undefined;
  #stopFirstFrame: (() => void) | undefined;
  readonly #mutedSpeech = new MutedSpeech(this);

  constructor() {
    super();
    this.chatOpen = false;
    this.chatRead = 0;
    this.soundBlocked = false;
    this.framesShown = false;
    this.note = '';
  }

  override connectedCallback() {
    super.connectedCallback();
    this.#clock = setInterval(() => this.requestUpdate(), 1_000);
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    clearInterval(this.#clock);
    clearTimeout(this.#noteTimer);
    this.#stopFirstFrame?.();
    this.flow.media?.views.watch(this, []);
  }

  override render() {
    const { store, media } = this.flow;
    const agent = store?.other;
    const call = store?.call;
    if (!call || !store) return nothing;
    const name = agent?.name ?? this.flow.session?.answered_by ?? '';
    const main: Source = this.#stream(agent, 'screen') ? 'screen' : 'camera';
    const picture = this.#stream(agent, main);
    return html`
      <div class="stage">
        <video
          class="main ${main}"
          data-testid="remote-video"
          ?hidden=${!picture}
          aria-label=${name}
          autoplay
          playsinline
          .muted=${true}
        ></video>
        <audio autoplay></audio>
        ${this.#guests().map(({ id }) => html`<audio autoplay class="guest" data-party=${id}></audio>`)}
        ${main === 'screen' && this.#stream(agent, 'camera') ? html`<video class="corner" autoplay playsinline .muted=${true} aria-label=${name}></video>` : nothing}
        ${picture ? nothing : this.#placeholder(agent, name)}
        ${picture && !this.framesShown && agent?.present !== false ? html`<div class="veil"><vt-spinner></vt-spinner><span>${this.t('picturePending')}</span></div>` : nothing}
        ${
          agent?.present === false
            ? html`<div class="veil away" role="status"><vt-spinner></vt-spinner><span>${this.t('otherAway', { name })}</span></div>`
            : nothing
        }
        ${this.#top(name, call.recording)}
        <div class="notes" role="status" aria-live="polite">${this.#notes(agent, name)}</div>
        <div class="me">
          <vitrine-self-view .track=${media?.local.camera.track} ?away=${media?.local.facesAway ?? false} label=${this.t('selfView')}></vitrine-self-view>
          ${media?.local.microphone.state === 'live' ? nothing : html`<span class="muted"><vt-icon name="mic-off"></vt-icon></span>`}
        </div>
        <span class="sr-only" role="status">${this.t('connectedWith', { name })}</span>
      </div>
      ${
        this.chatOpen
          ? html`<vitrine-help-chat .flow=${this.flow} .strings=${this.strings} @chat-close=${this.#toggleChat}></vitrine-help-chat>`
          : nothing
      }
      ${this.#controls()}
    `;
  }

  override updated(_changed: PropertyValues) {
    const agent = this.flow.store?.other;
    const main = this.#stream(agent, 'screen') ?? this.#stream(agent, 'camera');
    const video = this.renderRoot.querySelector<HTMLVideoElement>('video.main');
    if (video && video.srcObject !== (main ?? null)) {
      video.srcObject = main ?? null;
      this.#stopFirstFrame?.();
      this.framesShown = false;
      if (main) {
        void this.flow.mediaModule?.play(video);
        this.#stopFirstFrame = this.flow.mediaModule?.onFirstFrame(video, () => {
          this.framesShown = true;
          this.flow.store?.firstFrameShown();
        });
      }
    }
    this.#attach('video.corner', this.#stream(agent, 'camera'));
    this.flow.media?.views.watch(this, this.renderRoot.querySelectorAll('video'));
    this.#attachSound(agent && this.flow.media?.stream(agent.id, 'microphone'));
    for (const voice of this.renderRoot.querySelectorAll<HTMLAudioElement>('audio.guest')) {
      const stream = this.flow.media?.stream(voice.dataset.party ?? '', 'microphone') ?? null;
      if (voice.srcObject === stream) continue;
      voice.srcObject = stream;
      if (stream) void this.flow.mediaModule?.play(voice);
    }
    this.#mutedSpeech.watch(this.flow.mediaModule, this.flow.media?.local.microphone);
    if (this.chatOpen) this.chatRead = this.flow.store?.call?.chat.length ?? 0;
  }

  /** Whoever is in the call besides the two: a supervisor who takes part openly. */
  #guests(): Party[] {
    return this.flow.store?.others.slice(1) ?? [];
  }

  /** What the other side shows, while they say they send it. */
  #stream(party: Party | undefined, source: Source): MediaStream | undefined {
    return party?.sending.includes(source) ? this.flow.media?.stream(party.id, source) : undefined;
  }

  #attach(selector: string, stream: MediaStream | undefined) {
    const video = this.renderRoot.querySelector<HTMLVideoElement>(selector);
    if (!video || video.srcObject === (stream ?? null)) return;
    video.srcObject = stream ?? null;
    if (stream) void this.flow.mediaModule?.play(video);
  }

  #attachSound(stream: MediaStream | undefined) {
    const audio = this.renderRoot.querySelector('audio');
    if (!audio || audio.srcObject === (stream ?? null)) return;
    audio.srcObject = stream ?? null;
    const speaker = this.flow.speakerId;
    if (speaker && 'setSinkId' in audio) audio.setSinkId(speaker).catch(() => undefined);
    void this.#listen();
  }

  async #listen() {
    const audio = this.renderRoot.querySelector('audio');
    if (!audio?.srcObject || !this.flow.mediaModule) return;
    this.soundBlocked = (await this.flow.mediaModule.play(audio)) === 'blocked';
  }

  #top(name: string, recording: RecordingState) {
    // Something is stored, or may be: it can be deleted.
    const on = recording !== 'off' && recording !== 'deleted' && recording !== 'withheld';
    return html`<div class="top">
      <div class="who">
        <strong>${name}</strong>
        <span class="clock" aria-label=${this.t('callTime')}>${this.strings.clock(this.#elapsedMs())}</span>
      </div>
      <div class="recording">
        <vt-badge data-testid="recording-state" data-state=${recording} tone="stage" ?dot=${recording === 'on' || recording === 'failed'} ?pulse=${recording === 'on'}
          >${this.t(RECORDING[recording])}</vt-badge
        >
        ${
          on
            ? html`<vt-button data-testid="withdraw" variant="stage" size="sm" round icon="trash" label=${this.t('withdraw')} @click=${() => this.#ask(false)}
                >${this.t('withdrawConfirm')}</vt-button
              >`
            : this.flow.session?.consent === undefined
              ? nothing
              : html`<vt-button data-testid="agree" variant="stage" size="sm" round icon="shield" label=${this.t('agree')} @click=${() => this.#ask(true)}></vt-button>`
        }
      </div>
    </div>`;
  }

  #placeholder(agent: Party | undefined, name: string) {
    return html`<div class="placeholder">
      <vt-avatar name=${name}></vt-avatar>
      <span role="status">${
        this.flow.store?.call?.held_since
          ? this.t('onHold', { name })
          : agent?.present === false
            ? nothing
            : this.t('otherCameraOff', { name })
      }</span>
    </div>`;
  }

  #notes(agent: Party | undefined, name: string) {
    const { store, media } = this.flow;
    const local = media?.local;
    const notes: unknown[] = [];
    const add = (icon: string, text: string) =>
      notes.push(html`<p><vt-icon name=${icon}></vt-icon>${text}</p>`);
    if (store?.call?.recording === 'paused') add('shield', this.t('pausedNote'));
    if (store?.linkState === 'retrying') add('offline', this.t('connectionLost'));
    else if (media?.state === 'interrupted') add('offline', this.t('mediaLost'));
    const link = store?.live.link(store.call?.you);
    if (link?.video_paused) add('offline', this.t('videoPaused'));
    else if (link?.link === 'poor') add('offline', this.t('weakConnection'));
    for (const guest of this.#guests()) add('user', this.t('alsoHere', { name: guest.name }));
    if (store?.me?.muted.includes('microphone')) add('mic-off', this.t('mutedByOther', { name }));
    if (this.soundBlocked) {
      notes.push(
        html`<vt-button variant="primary" round icon="speaker" @click=${this.#listen}>${this.t('soundBlocked', { name })}</vt-button>`,
      );
    }
    if (this.note) add('alert', this.note);
    for (const [source, key] of [
      ['microphone', 'microphoneFailed'],
      ['camera', 'cameraFailed'],
    ] as const) {
      const reason = local && this.#freshFailure(local[source]);
      if (reason) add('alert', this.t(key, { reason: this.t(DEVICE_TEXT[reason]) }));
    }
    if (this.#mutedSpeech.speaking) add('mic-off', this.t('mutedSpeaking'));
    else if (local?.microphone.state === 'muted') add('mic-off', this.t('mutedHint'));
    if (agent?.present && !store?.call?.held_since && !agent.sending.includes('microphone'))
      add('mic-off', this.t('otherMuted', { name }));
    if (this.#stream(agent, 'screen')) add('screen', this.t('otherScreen', { name }));
    return notes;
  }

  #controls() {
    const { store, media } = this.flow;
    const local = media?.local;
    const unread = Math.max(0, (store?.call?.chat.length ?? 0) - this.chatRead);
    const silent = local?.microphone.state !== 'live';
    const dark = !local?.camera.track;
    const chatLabel =
      unread > 0 ? `${this.t('chat')}, ${this.t('chatUnread', { n: unread })}` : this.t('chat');
    return html`<div class="controls" role="toolbar" aria-label=${this.t('controls')}>
      <vt-button
        data-testid="mute"
        variant="stage"
        round
        icon=${silent ? 'mic-off' : 'mic'}
        label=${this.t('mute')}
        .pressed=${silent}
        ?busy=${local?.microphone.state === 'opening'}
        @click=${() => local?.setMuted(!silent)}
      ></vt-button>
      <vt-button
        data-testid="camera"
        variant="stage"
        round
        icon=${dark ? 'camera-off' : 'camera'}
        label=${this.t('cameraOff')}
        .pressed=${dark}
        ?busy=${local?.camera.state === 'opening'}
        @click=${() => local?.setCamera(dark)}
      ></vt-button>
      ${
        local?.canFlip
          ? html`<vt-button data-testid="flip" variant="stage" round icon="flip" label=${this.t('flip')} @click=${this.#flip}></vt-button>`
          : nothing
      }
      <span class="badged">
        <vt-button
          data-testid="chat"
          variant="stage"
          round
          icon="chat"
          label=${chatLabel}
          .expanded=${this.chatOpen}
          @click=${this.#toggleChat}
        ></vt-button>
        ${unread > 0 ? html`<span class="count" data-testid="chat-unread" aria-hidden="true">${unread > 9 ? '9+' : unread}</span>` : nothing}
      </span>
      <vt-button
        data-testid="hangup"
        variant="stage-danger"
        round
        icon="hang-up"
        label=${this.t('hangUp')}
        @click=${() => this.flow.leave()}
      ></vt-button>
    </div>`;
  }

  /** Why a source has just failed; after a while its button alone says that it is off. */
  #freshFailure(source: LocalSource): DeviceReason | undefined {
    if (source.state !== 'failed') return undefined;
    const since = this.#failedAtMs.get(source) ?? performance.now();
    this.#failedAtMs.set(source, since);
    return performance.now() - since < NOTE_MS ? source.reason : undefined;
  }

  async #flip() {
    try {
      await this.flow.media?.local.flip();
    } catch {
      this.note = this.t('cameraFlipFailed');
      clearTimeout(this.#noteTimer);
      this.#noteTimer = setTimeout(() => {
        this.note = '';
      }, NOTE_MS);
    }
  }

  async #toggleChat() {
    this.chatOpen = !this.chatOpen;
    await this.updateComplete;
    if (this.chatOpen) this.renderRoot.querySelector('vitrine-help-chat')?.focus();
    else this.renderRoot.querySelector<HTMLElement>('[data-testid="chat"]')?.focus();
  }

  #ask(recording: boolean) {
    this.dispatchEvent(new CustomEvent('ask-consent', { detail: recording }));
  }

  /** Since the agent accepted; by this page's own clock when the two clocks disagree wildly. */
  #elapsedMs(): number {
    const { store } = this.flow;
    const byServer = Date.now() - Date.parse(store?.call?.accepted_at ?? '');
    const here = performance.now() - (store?.connectedAtMs ?? performance.now());
    return byServer >= here - 2_000 && byServer < 12 * 3_600_000 ? byServer : here;
  }
}

define('vitrine-help-call', HelpCall);

declare global {
  interface HTMLElementTagNameMap {
    'vitrine-help-call': HelpCall;
  }
}

import { html, LitElement, nothing, type PropertyValues } from 'lit';
import { live } from 'lit/directives/live.js';
import { createRef } from 'lit/directives/ref.js';

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
import { because } from '../consent/obstacles.ts';
import type { Desk } from '../desk.ts';
import { reasonText } from '../devices.ts';
import '../people/consult.ts';
import '../people/link-bars.ts';
import { doing, MODES, mainParty, mayMute } from '../people/roles.ts';
import { picture, streamOf } from '../video.ts';
import './pause.ts';
import { stageStyles } from './stage-styles.ts';

const RECORDING: Record<
  RecordingState,
  { readonly tone: 'stage' | 'danger' | 'warn'; readonly words: string }
> = {
  off: { tone: 'stage', words: 'Not recorded' },
  on: { tone: 'danger', words: 'Recording' },
  paused: { tone: 'warn', words: 'Recording paused' },
  stopped: { tone: 'stage', words: 'Recording ended' },
  deleted: { tone: 'stage', words: 'Recording deleted' },
  withheld: { tone: 'stage', words: 'Recording ended and locked' },
  failed: { tone: 'warn', words: 'Recording failed' },
};

/** Whether what stands against recording is not the news of the moment. */
function runs({ recording }: CallView): boolean {
  return recording !== 'off' && recording !== 'stopped';
}

/**
 * The picture and sound of a call, and what the agent does with their own.
 *
 * @fires console-note - something to say for a moment; `detail` is the text
 * @fires console-consent - the agent wants to choose about being recorded
 */
export class ConsoleStage extends LitElement {
  static override properties = { desk: { attribute: false }, asking: { state: true } };
  static override styles = [base, stageStyles];

  declare desk: Desk | undefined;
  /** The agent chooses a colleague to ask. */
  declare asking: boolean;
  readonly #watch = new Watch(this);
  readonly #remote = createRef<HTMLVideoElement>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #soundBlocked = false;
  #lostAt: number | undefined;
  #hangingUp = false;
  #stopWaiting: (() => void) | undefined;
  #watchedStream: MediaStream | undefined;

  constructor() {
    super();
    this.desk = undefined;
    this.asking = false;
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
    const other = mainParty(call, desk.store.others);
    const { speaker } = desk.store.live;
    const speaks = other !== undefined && speaker === other.id && desk.store.live.speaks(other.id);
    return html`<section class="stage ${speaks ? 'speaks' : ''}" aria-label="Call">
      ${other ? this.#other(desk, other) : nothing} ${this.#voices(desk)} ${this.#faces(desk, other)}
      ${desk.listening ? nothing : this.#self(desk)} ${this.#badges(desk, call)}
      ${other ? this.#overlay(desk, call, other) : nothing} ${this.#trouble(desk)} ${this.#controls(desk, call)}
      ${
        desk.isAgent
          ? html`<console-consult .desk=${desk} ?open=${this.asking} @vt-close=${() => {
              this.asking = false;
            }}></console-consult>`
          : nothing
      }
    </section>`;
  }

  /** Everybody's voice who can be heard; the buyer's, or whoever stands in for it, is the one tests listen to. */
  #voices(desk: Desk) {
    const [first, ...more] = desk.store.others;
    const voice = (party: Party, testid: string) => html`<audio
      autoplay
      data-testid=${testid}
      .srcObject=${live(desk.media.stream(party.id, 'microphone') ?? null)}
      @loadedmetadata=${this.#onVoice}
    ></audio>`;
    return [
      first ? voice(first, 'remote-audio') : nothing,
      ...more.map((party) => voice(party, `voice-${party.side}`)),
    ];
  }

  /** The others' pictures, small. */
  #faces(desk: Desk, main: Party | undefined) {
    const faces = desk.store.others.flatMap((party) => {
      const camera = party.sending.includes('camera') && desk.media.stream(party.id, 'camera');
      return camera && party.id !== main?.id ? [{ party, camera }] : [];
    });
    if (faces.length === 0) return nothing;
    return html`<div class="faces">${faces.map(
      ({ party, camera }) =>
        html`<figure class=${desk.store.live.speaks(party.id) ? 'speaks' : ''}>
          ${picture(camera, { testid: `face-${party.side}`, label: `${party.name}, camera` })}
          <figcaption>${party.name}</figcaption>
        </figure>`,
    )}</div>`;
  }

  /** Who is in the call, how their connection is, and what may be done about them. */
  #people(desk: Desk) {
    const { store } = desk;
    return store.others.map((party) => {
      const name = party.name || 'Buyer';
      const link = store.live.link(party.id);
      const muted = party.muted.includes('microphone');
      const what = doing(party);
      return html`<li class=${store.live.speaks(party.id) ? 'speaks' : ''} data-testid=${`person-${party.side}`}>
        ${link ? html`<console-link .link=${link}></console-link>` : nothing}
        <span class="name">${name}${what ? html` <em>${what}</em>` : nothing}</span>
        ${link?.video_paused ? html`<span class="weak">video paused</span>` : nothing}
        ${
          mayMute(store.me, party)
            ? html`<vt-button
                class="small" variant="stage" size="sm" round icon=${muted ? 'mic-off' : 'mic'}
                label=${muted ? `Let everybody hear ${name} again` : `Mute ${name} for everybody`}
                data-testid=${`mute-${party.side}`} .pressed=${muted}
                @click=${() => store.mute(party.id, 'microphone', !muted)}
              ></vt-button>`
            : muted
              ? html`<vt-icon name="mic-off"></vt-icon>`
              : nothing
        }
      </li>`;
    });
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

  /** The state, and what is missing where nothing is recorded. */
  #recordingWords(desk: Desk, call: CallView): string {
    const { words } = RECORDING[call.recording];
    const why = runs(call) ? '' : because(call.obstacles ?? [], desk.isAgent);
    return why ? `${words}: ${why}` : words;
  }

  #badges(desk: Desk, call: CallView) {
    const recording = RECORDING[call.recording];
    const began = call.accepted_at === undefined ? undefined : Date.parse(call.accepted_at);
    const { other } = desk.store;
    const held = call.held_since === undefined ? undefined : Date.parse(call.held_since);
    return html`<div class="badges">
      <vt-badge
        tone=${recording.tone}
        ?dot=${call.recording === 'on'}
        ?pulse=${call.recording === 'on'}
        data-testid="recording"
        role="status"
        >${this.#recordingWords(desk, call)}</vt-badge
      >
      ${
        desk.isAgent && !runs(call) && call.obstacles?.includes('agent')
          ? html`<vt-button variant="stage" size="sm" round data-testid="decide" @click=${() => this.dispatchEvent(new CustomEvent('console-consent', { bubbles: true, composed: true }))}>Read and choose</vt-button>`
          : nothing
      }
      ${
        began === undefined
          ? nothing
          : html`<vt-badge tone="stage" data-testid="call-timer"><span role="timer" aria-label="Length of the call">${clockTime(serverNow() - began)}</span></vt-badge>`
      }
      ${call.paused ? html`<console-paused class="paused" .desk=${desk}></console-paused>` : nothing}
      ${held === undefined ? nothing : html`<vt-badge tone="warn" data-testid="held">On hold ${clockTime(serverNow() - held)}</vt-badge>`}
      ${call.consult && !call.consult.talking ? html`<vt-badge tone="stage" data-testid="asking">Asking ${call.consult.name}…</vt-badge>` : nothing}
      ${other && !other.sending.includes('microphone') && other.present ? html`<vt-badge tone="stage"><vt-icon name="mic-off"></vt-icon>${other.name || 'Buyer'} is muted</vt-badge>` : nothing}
      <ul class="people" aria-label="In this call">${this.#people(desk)}</ul>
    </div>`;
  }

  /** What keeps the two apart right now, the gravest first. */
  #overlay(desk: Desk, call: CallView, other: Party) {
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
    if (call.held_since !== undefined && other.side === 'buyer') {
      const name = other.name || 'The buyer';
      return html`<div class="overlay hold" data-testid="on-hold">
        <vt-icon name="pause"></vt-icon>
        <strong>${name} is on hold</strong>
        <span>You neither hear nor see each other.</span>
        ${desk.isAgent ? html`<vt-button variant="primary" icon="play" data-testid="take-back" @click=${() => desk.store.setHold(false)}>Take ${other.name || 'the buyer'} back</vt-button>` : nothing}
      </div>`;
    }
    if (this.#soundBlocked) {
      return html`<div class="overlay">
        <strong>Your browser keeps the sound off</strong>
        <vt-button variant="primary" icon="speaker" @click=${this.#unblock}>Hear the others</vt-button>
      </div>`;
    }
    if (desk.media.state === 'connecting') {
      return html`<div class="overlay" role="status"><vt-spinner></vt-spinner><strong>Connecting sound and picture…</strong></div>`;
    }
    return nothing;
  }

  /** What of the agent does not reach the buyer because a device does not work. */
  #trouble(desk: Desk) {
    if (!desk.isAgent) return nothing;
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

  /** A supervisor's way of following the call. */
  #modes(desk: Desk, call: CallView) {
    if (desk.monitor === undefined) return nothing;
    return html`<div class="modes" role="group" aria-label="How you follow this call">
      ${MODES.map(
        ({ mode, name, hint }) =>
          html`<vt-button variant="stage" round title=${hint} data-testid=${`mode-${mode}`} .pressed=${desk.monitor === mode} @click=${() => desk.store.monitor(call.id, mode)}>${name}</vt-button>`,
      )}
    </div>`;
  }

  /** Who leads the call or follows it may have nothing stored for a while. */
  #pause(desk: Desk, call: CallView) {
    const recorded = call.recording === 'on' || call.recording === 'paused';
    return recorded ? html`<console-pause .desk=${desk}></console-pause>` : nothing;
  }

  /** Hold, and a colleague's advice. */
  #agentControls(desk: Desk, call: CallView) {
    if (!desk.isAgent) return nothing;
    const held = call.held_since !== undefined;
    const { consult } = call;
    return html`
      <vt-button
        variant="stage" round icon=${held ? 'play' : 'pause'} data-testid="hold"
        label=${held ? 'Take the buyer back (H)' : 'Hold (H)'} .pressed=${held} @click=${() => this.toggleHold()}
      ></vt-button>
      <vt-button
        variant="stage" round icon="users" data-testid="consult"
        label=${consult ? (consult.talking ? `End the consult with ${consult.name}` : `Stop asking ${consult.name}`) : 'Ask a colleague'}
        .pressed=${consult !== undefined}
        @click=${() => {
          if (consult) desk.store.endConsult();
          else this.asking = true;
        }}
      ></vt-button>
    `;
  }

  #controls(desk: Desk, call: CallView) {
    if (desk.listening) {
      return html`<div class="controls" role="toolbar" aria-label="Call controls">${this.#pause(desk, call)} ${this.#modes(desk, call)} ${this.#end(desk)}</div>`;
    }
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
      ${this.#agentControls(desk, call)} ${this.#pause(desk, call)} ${this.#modes(desk, call)} ${this.#end(desk)}
    </div>`;
  }

  #end(desk: Desk) {
    return html`<vt-button class="end" variant="stage-danger" round icon="hang-up" data-testid="hangup" label=${desk.isAgent ? 'Hang up' : 'Leave the call'} ?busy=${this.#hangingUp} @click=${this.#hangUp}></vt-button>`;
  }

  toggleHold(): void {
    const desk = this.desk;
    if (desk?.isAgent) desk.store.setHold(desk.call?.held_since === undefined);
  }

  togglePause(): void {
    this.renderRoot.querySelector('console-pause')?.toggle();
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

  readonly #onVoice = async (event: Event): Promise<void> => {
    this.#soundBlocked = (await play(event.target as HTMLAudioElement)) === 'blocked';
    this.requestUpdate();
  };

  readonly #unblock = async (): Promise<void> => {
    const voices = [...this.renderRoot.querySelectorAll('audio')].filter((voice) => voice.srcObject !== null);
    const played = await Promise.all(voices.map((voice) => play(voice)));
    this.#soundBlocked = played.includes('blocked');
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

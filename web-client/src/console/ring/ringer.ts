/** Makes a ring noticed: sound, the page's title, a notification when the page is not seen. */

const ROUND_MS = 2_600;
const TITLE_MS = 900;

export class Ringer {
  #context: AudioContext | undefined;
  #sound: ReturnType<typeof setInterval> | undefined;
  #flash: ReturnType<typeof setInterval> | undefined;
  #title: string | undefined;
  #notification: Notification | undefined;

  /** Call it in a click: browsers give sound only after one. */
  unlock(): void {
    this.#context ??= new AudioContext();
    void this.#context.resume();
  }

  /** Whether a ring can be heard. */
  get audible(): boolean {
    return this.#context?.state === 'running';
  }

  /** @param who what to show in title and notification */
  start(who: string, onClick: () => void): void {
    this.stop();
    this.#context ??= new AudioContext();
    void this.#context.resume();
    this.#round();
    this.#sound = setInterval(() => this.#round(), ROUND_MS);
    this.#title = document.title;
    let on = true;
    document.title = `☎ ${who}`;
    this.#flash = setInterval(() => {
      on = !on;
      document.title = on ? `☎ ${who}` : (this.#title ?? '');
    }, TITLE_MS);
    this.#notify(who, onClick);
  }

  stop(): void {
    clearInterval(this.#sound);
    clearInterval(this.#flash);
    if (this.#title !== undefined) document.title = this.#title;
    this.#title = undefined;
    this.#notification?.close();
    this.#notification = undefined;
  }

  #notify(who: string, onClick: () => void) {
    if (!('Notification' in window) || Notification.permission !== 'granted' || document.hasFocus()) return;
    try {
      this.#notification = new Notification('A buyer asks for you', {
        body: who,
        tag: 'vitrine-ring',
        requireInteraction: true,
      });
      this.#notification.addEventListener('click', () => {
        window.focus();
        onClick();
      });
    } catch {
      // Chrome on Android allows notifications from service workers only.
    }
  }

  /** Two soft double notes, a fifth apart: a telephone, not an alarm. */
  #round() {
    const context = this.#context;
    if (context?.state !== 'running') return;
    const begin = context.currentTime + 0.02;
    for (const [at, hertz] of [
      [0, 659.25],
      [0.16, 987.77],
      [0.55, 659.25],
      [0.71, 987.77],
    ] as const) {
      const gain = new GainNode(context, { gain: 0 });
      gain.gain.setValueAtTime(0, begin + at);
      gain.gain.linearRampToValueAtTime(0.22, begin + at + 0.02);
      gain.gain.exponentialRampToValueAtTime(0.001, begin + at + 0.4);
      const note = new OscillatorNode(context, { frequency: hertz, type: 'triangle' });
      note.connect(gain).connect(context.destination);
      note.start(begin + at);
      note.stop(begin + at + 0.42);
    }
  }
}

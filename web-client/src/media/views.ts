/**
 * How large each receive slot is on the screen, so that the server sends no more than that.
 *
 * Growing is told at once (a coarse picture in a large frame is seen), shrinking and hiding after a moment (a layout that
 * settles, a glance at another tab, must not cost a keyframe).
 */
import type { SlotSize } from '../protocol.ts';

/** Growth is gathered for this long: one layout change is one report. */
const GROW_MS = 50;
const SHRINK_MS = 600;
const HIDE_MS = 2_000;
/** Largest side the server takes. */
const SIDE_MAX = 16_384;

/** What a browser tells about a picture. */
export interface Shown {
  /** MID of the slot whose track it plays. */
  mid: string;
  /** CSS pixels. */
  width: number;
  height: number;
}

/** Sizes by slot in device pixels: the largest picture of each; slots that are not shown are left out. */
export function sizes(shown: readonly Shown[], pixelRatio: number): SlotSize[] {
  const largest = new Map<string, SlotSize>();
  for (const { mid, width, height } of shown) {
    const size = { mid, width: pixels(width, pixelRatio), height: pixels(height, pixelRatio) };
    if (size.width === 0 || size.height === 0) continue;
    const before = largest.get(mid);
    if (!before || size.width * size.height > before.width * before.height) largest.set(mid, size);
  }
  return [...largest.values()].sort((a, b) => (a.mid < b.mid ? -1 : 1));
}

function pixels(css: number, ratio: number): number {
  return Math.min(SIDE_MAX, Math.max(0, Math.round(css * ratio)));
}

/** How long a change may wait: not at all, while a layout settles, or while somebody glances elsewhere. */
export function patience(before: readonly SlotSize[], after: readonly SlotSize[]): number | undefined {
  const was = new Map(before.map((size) => [size.mid, size]));
  let longest: number | undefined;
  for (const size of after) {
    const old = was.get(size.mid);
    was.delete(size.mid);
    if (old?.width === size.width && old.height === size.height) continue;
    if (!old || size.width * size.height > old.width * old.height) return GROW_MS;
    longest = Math.max(longest ?? 0, SHRINK_MS);
  }
  return was.size > 0 ? HIDE_MS : longest;
}

export class Views {
  onChange: ((slots: SlotSize[]) => void) | undefined;

  readonly #midOf: (track: MediaStreamTrack) => string | undefined;
  readonly #hosts = new Map<object, HTMLVideoElement[]>();
  readonly #resize: ResizeObserver | undefined;
  #told: SlotSize[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #due = Number.POSITIVE_INFINITY;

  /** @param midOf the slot a track belongs to */
  constructor(midOf: (track: MediaStreamTrack) => string | undefined) {
    this.#midOf = midOf;
    if (typeof ResizeObserver === 'function') this.#resize = new ResizeObserver(() => this.check());
    globalThis.document?.addEventListener('visibilitychange', this.#onChange);
  }

  /** The pictures an element shows from now on; it says so after each of its renderings, and `[]` when it goes. */
  watch(host: object, videos: Iterable<HTMLVideoElement>): void {
    const before = this.#hosts.get(host) ?? [];
    const now = [...videos];
    for (const video of before) if (!now.includes(video)) this.#resize?.unobserve(video);
    for (const video of now) if (!before.includes(video)) this.#resize?.observe(video);
    if (now.length > 0) this.#hosts.set(host, now);
    else this.#hosts.delete(host);
    this.check();
  }

  /** Looks now, and reports in a moment when something is different. */
  check(): void {
    const wait = patience(this.#told, this.#look());
    if (wait === undefined) {
      clearTimeout(this.#timer);
      this.#due = Number.POSITIVE_INFINITY;
      return;
    }
    const due = performance.now() + wait;
    if (due >= this.#due) return;
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => this.#tell(), wait);
  }

  /** The server knows nothing (any more): says everything again. */
  repeat(): void {
    this.#told = [];
    this.#tell();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#resize?.disconnect();
    this.#hosts.clear();
    globalThis.document?.removeEventListener('visibilitychange', this.#onChange);
  }

  readonly #onChange = () => this.check();

  #tell() {
    clearTimeout(this.#timer);
    this.#due = Number.POSITIVE_INFINITY;
    this.#told = this.#look();
    this.onChange?.(this.#told);
  }

  #look(): SlotSize[] {
    const shown: Shown[] = [];
    for (const videos of this.#hosts.values()) {
      for (const video of videos) {
        const track = (video.srcObject as MediaStream | null)?.getVideoTracks()[0];
        const mid = track && this.#midOf(track);
        if (mid === undefined || !video.isConnected || !visible(video)) continue;
        const { width, height } = video.getBoundingClientRect();
        shown.push({ mid, width, height });
      }
    }
    return sizes(shown, globalThis.devicePixelRatio || 1);
  }
}

/** A picture that was taken out of the page (picture in picture) is seen although the page is not. */
function visible(video: HTMLVideoElement): boolean {
  if (document.visibilityState === 'visible') return true;
  const root = video.getRootNode();
  return root instanceof Document || root instanceof ShadowRoot
    ? root.pictureInPictureElement === video
    : false;
}

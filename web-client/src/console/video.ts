import { html, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';
import { type Ref, ref } from 'lit/directives/ref.js';

import { play } from '../media/index.ts';

/** Streams made for a track, so that a re-render does not restart the picture. */
const streams = new WeakMap<MediaStreamTrack, MediaStream>();

/** A stream with this one track; the same one every time. */
export function streamOf(track: MediaStreamTrack | undefined): MediaStream | null {
  if (track === undefined) return null;
  let stream = streams.get(track);
  if (stream === undefined) {
    stream = new MediaStream([track]);
    streams.set(track, stream);
  }
  return stream;
}

/**
 * A silent picture of a stream. `live`, because Lit sets objects anew with every render, and a `srcObject` that is set
 * again starts over.
 */
export function picture(
  stream: MediaStream | null | undefined,
  options: {
    testid?: string;
    mirrored?: boolean;
    class?: string;
    label: string;
    element?: Ref<HTMLVideoElement>;
  },
): TemplateResult {
  return html`<video
    class="${options.class ?? ''} ${options.mirrored ? 'mirrored' : ''}"
    data-testid=${options.testid ?? ''}
    aria-label=${options.label}
    muted
    autoplay
    playsinline
    disablepictureinpicture
    .muted=${true}
    .srcObject=${live(stream ?? null)}
    ${ref(options.element)}
    @loadedmetadata=${(event: Event) => void play(event.target as HTMLVideoElement)}
  ></video>`;
}

/**
 * What each send line encodes: the layers it offers, their ceilings, and what the server's wishes make of them. Pure.
 *
 * A camera is sent in three sizes (simulcast: VP8, H.264) or as one stream with three sizes inside (SVC: VP9, AV1), so that
 * every viewer gets what fits their picture and their network without anybody encoding for them alone.
 */
import type { EncodingWish, Source } from '../protocol.ts';

/** Codec of the camera. */
export type CameraCodec = (typeof CAMERA_CODECS)[number];

const CAMERA_CODECS = ['vp8', 'h264', 'vp9', 'av1'] as const;

/** A codec by the name a page gives it; `undefined` for none and for names nobody knows. */
export function cameraCodec(name: string | undefined): CameraCodec | undefined {
  return CAMERA_CODECS.find((codec) => codec === name?.toLowerCase());
}

/** Highest bit rates, bits per second. The camera's are for 180, 360 and 720 lines at 30 frames a second in VP8. */
const CEILING = {
  // Speech in full band; RED sends every packet twice.
  microphone: 32_000,
  camera: { q: 150_000, h: 500_000, f: 1_700_000 },
  screen: 2_500_000,
} as const;
const FRAMERATE_MAX = { camera: 30, screen: 15 } as const;

/**
 * Chromium makes no third layer of pictures smaller than this, and leaves out the top one, the only one in full size. A smaller
 * camera is sent in two layers, so that the upper one is the whole picture. Pixels.
 */
export const THREE_LAYERS_MIN = 960 * 540;
/** What those two are: half and whole size. */
const TWO_LAYERS: Readonly<Record<string, { scale: number; ceiling: number; active: boolean }>> = {
  q: { scale: 2, ceiling: CEILING.camera.q, active: true },
  h: { scale: 1, ceiling: 900_000, active: true },
  f: { scale: 1, ceiling: CEILING.camera.f, active: false },
};

/** The fields of an encoding we set; TypeScript's DOM does not know all of them. */
export interface Encoding extends RTCRtpEncodingParameters {
  scalabilityMode?: string;
}

/** Encodings of a send line for `addTransceiver`, lowest first. */
export function encodingsOf(source: Source, codec: CameraCodec): Encoding[] {
  if (source === 'microphone') return [{ maxBitrate: CEILING.microphone }];
  const maxFramerate = FRAMERATE_MAX[source];
  if (source === 'screen') {
    // One size: text that is not sharp is no help. Frames can go first (temporal layers).
    return [{ maxBitrate: CEILING.screen, maxFramerate, scalabilityMode: 'L1T3' }];
  }
  if (codec === 'vp9' || codec === 'av1') {
    return [{ maxBitrate: CEILING.camera.f, maxFramerate, scalabilityMode: 'L3T3_KEY' }];
  }
  const scale = { q: 4, h: 2, f: 1 };
  return (['q', 'h', 'f'] as const).map((rid) => ({
    rid,
    scaleResolutionDownBy: scale[rid],
    maxBitrate: CEILING.camera[rid],
    maxFramerate,
    scalabilityMode: 'L1T3',
  }));
}

/** The same for a browser that knows no scalability modes (it refuses the call, or the codec has none). */
export function withoutScalability(encodings: readonly Encoding[]): Encoding[] {
  return encodings.map(({ scalabilityMode: _, ...rest }) => rest);
}

/**
 * What `setParameters` should be given: the line's own ceilings, narrowed by what the server wishes. `undefined` when it is
 * that already.
 *
 * @param now the encodings of `getParameters`
 * @param offered those of {@link encodingsOf}
 * @param wishes of the server, if any; those for encodings the line does not have are ignored
 * @param pixels of the picture that is sent, if known
 */
export function wanted<E extends Encoding>(
  now: readonly E[],
  offered: readonly Encoding[],
  wishes: readonly EncodingWish[] | undefined,
  pixels = Number.POSITIVE_INFINITY,
): E[] | undefined {
  // A server without simulcast leaves a line its first encoding, the smallest: it must carry the whole picture now.
  const alone = now.length === 1 ? offered.at(-1) : undefined;
  const two = now.length === 3 && pixels < THREE_LAYERS_MIN ? TWO_LAYERS : undefined;
  const wishOf = (rid: string | undefined) => {
    const wish = wishes?.find((one) => one.rid === rid);
    // Who wants the top layer is given the one that stands in for it.
    const top = two && rid === 'h' ? wishes?.find((one) => one.rid === 'f' && one.active) : undefined;
    return top && !wish?.active ? top : wish;
  };
  let changed = false;
  const next = now.map((encoding) => {
    const own = alone ?? offered.find(({ rid }) => rid === encoding.rid);
    const wish = alone ? wishes?.[0] : wishOf(encoding.rid);
    const small = two?.[encoding.rid ?? ''];
    const target: Partial<Encoding> = { active: (wish?.active ?? true) && (small?.active ?? true) };
    const ceiling = least(small?.ceiling ?? own?.maxBitrate, wish?.max_bitrate);
    if (ceiling !== undefined) target.maxBitrate = ceiling;
    const scale = small?.scale ?? own?.scaleResolutionDownBy;
    if (scale !== undefined) target.scaleResolutionDownBy = scale;
    const same = (Object.keys(target) as (keyof Encoding)[]).every((key) => encoding[key] === target[key]);
    if (same) return encoding;
    changed = true;
    return { ...encoding, ...target };
  });
  return changed ? next : undefined;
}

/** A larger picture is about to begin. */
export interface Larger {
  /** Index of the largest encoding that is being sent. */
  from: number;
  /** Highest bit rate of the larger one, bits per second. */
  ceiling: number;
  /** What the browser has to think it may send, or it begins with a smaller picture and takes seconds to grow it. */
  room: number;
}

/**
 * Chromium scales a picture down when it begins with less than so much: pixels, bits per second. With some to spare, and sound
 * beside it.
 */
const ROOM: readonly (readonly [number, number])[] = [
  [480 * 270, 280_000],
  [640 * 360, 400_000],
  [960 * 540, 650_000],
];
const ROOM_MOST = 1_100_000;

/** Whether `next` has a larger picture than any that is sent `now`. */
export function larger<E extends Encoding>(
  now: readonly E[],
  next: readonly E[],
  pixels: number | undefined,
): Larger | undefined {
  const scale = (one: Encoding) => one.scaleResolutionDownBy ?? 1;
  const largest = (all: readonly E[]) => {
    const live = all.filter(({ active }) => active);
    return live.length > 0 ? live.reduce((best, one) => (scale(one) < scale(best) ? one : best)) : undefined;
  };
  const [before, after] = [largest(now), largest(next)];
  if (!pixels || !before || !after?.maxBitrate || scale(after) >= scale(before)) return undefined;
  const size = pixels / scale(after) ** 2;
  return {
    from: now.indexOf(before),
    ceiling: after.maxBitrate,
    room: ROOM.find(([most]) => size <= most)?.[1] ?? ROOM_MOST,
  };
}

function least(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined) return b;
  // A ceiling below this is the server's way to say "hardly anything"; browsers refuse 0.
  return b === undefined ? a : Math.max(1_000, Math.min(a, b));
}

/** A codec as `RTCRtpSender.getCapabilities` lists it. */
export type CapableCodec = Pick<RTCRtpCodec, 'mimeType'>;

const RETRANSMISSION = 'video/rtx';
const REDUNDANCY = 'audio/red';

/**
 * The codecs to offer on a send line, best first; `undefined`: as the browser likes. The server takes the first one it
 * knows, so a camera that is to send VP9 offers nothing else.
 */
export function codecsFor<C extends CapableCodec>(
  source: Source,
  codec: CameraCodec,
  capable: readonly C[],
): C[] | undefined {
  const of = (mimeType: string) => capable.filter((one) => one.mimeType.toLowerCase() === mimeType);
  if (source === 'microphone') {
    // RED (RFC 2198) first: it costs less than a picture's noise and survives single losses.
    const [red, opus] = [of(REDUNDANCY), of('audio/opus')];
    return opus.length > 0 ? [...red, ...opus] : undefined;
  }
  if (source === 'screen' || codec === 'vp8') return undefined;
  const wantedCodec = of(`video/${codec}`);
  return wantedCodec.length > 0 ? [...wantedCodec, ...of(RETRANSMISSION)] : undefined;
}

/** Opening microphones, cameras and screens: constraints, device lists, one place that talks to `mediaDevices`. */
import { captureObstacle, type DeviceReason, deviceReason } from './errors.ts';

export interface Device {
  id: string;
  /** Empty before permission. */
  label: string;
}

/** What this machine has. Labels are empty until the person has given permission once. */
export interface Devices {
  microphones: Device[];
  cameras: Device[];
  speakers: Device[];
}

/** Thrown instead of the browser's error. */
export class DeviceError extends Error {
  readonly reason: DeviceReason;

  constructor(reason: DeviceReason, cause?: unknown) {
    super(`The device could not be opened: ${reason}.`, { cause });
    this.name = 'DeviceError';
    this.reason = reason;
  }
}

export type Facing = 'user' | 'environment';

/** Which camera: a device, or a direction on phones. */
export interface CameraChoice {
  deviceId?: string;
  facing?: Facing;
}

const AUDIO: MediaTrackConstraints = {
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
};
const VIDEO: MediaTrackConstraints = {
  width: { min: 320, ideal: 1280, max: 1280 },
  height: { min: 240, ideal: 720, max: 1280 },
  frameRate: { ideal: 30, max: 30 },
};

function audioConstraints(deviceId?: string): MediaTrackConstraints {
  return deviceId ? { ...AUDIO, deviceId: { exact: deviceId } } : AUDIO;
}

function videoConstraints(choice: CameraChoice): MediaTrackConstraints {
  if (choice.deviceId) return { ...VIDEO, deviceId: { exact: choice.deviceId } };
  return choice.facing ? { ...VIDEO, facingMode: { ideal: choice.facing } } : VIDEO;
}

async function capture(constraints: MediaStreamConstraints): Promise<MediaStream> {
  const obstacle = captureObstacle();
  if (obstacle) throw new DeviceError(obstacle);
  try {
    return await navigator.mediaDevices.getUserMedia(constraints);
  } catch (error) {
    throw new DeviceError(deviceReason(error), error);
  }
}

function only(track: MediaStreamTrack | undefined): MediaStreamTrack {
  if (!track) throw new DeviceError('not-found');
  return track;
}

/** @throws {DeviceError} */
export async function openMicrophone(deviceId?: string): Promise<MediaStreamTrack> {
  return only((await capture({ audio: audioConstraints(deviceId) })).getAudioTracks()[0]);
}

/** Opens a camera; one that cannot do our size is taken at any size. @throws {DeviceError} */
export async function openCamera(choice: CameraChoice = {}): Promise<MediaStreamTrack> {
  const wanted = videoConstraints(choice);
  let stream: MediaStream;
  try {
    stream = await capture({ video: wanted });
  } catch (error) {
    if (!(error instanceof DeviceError) || error.reason !== 'unsuitable') throw error;
    stream = await capture({ video: wanted.deviceId ? { deviceId: wanted.deviceId } : true });
  }
  return only(stream.getVideoTracks()[0]);
}

/** Microphone and camera with one question to the person. @throws {DeviceError} when either is missing */
export async function openBoth(): Promise<{ microphone: MediaStreamTrack; camera: MediaStreamTrack }> {
  const stream = await capture({ audio: AUDIO, video: VIDEO });
  return { microphone: only(stream.getAudioTracks()[0]), camera: only(stream.getVideoTracks()[0]) };
}

/** Lets the person pick a screen or window, sharpened for text. @throws {DeviceError} */
export async function openScreen(): Promise<MediaStreamTrack> {
  if (!navigator.mediaDevices?.getDisplayMedia) throw new DeviceError('unsupported');
  try {
    const stream = await navigator.mediaDevices.getDisplayMedia({
      video: { frameRate: { max: 15 } },
      audio: false,
    });
    const track = only(stream.getVideoTracks()[0]);
    track.contentHint = 'text';
    return track;
  } catch (error) {
    if (error instanceof DeviceError) throw error;
    // Closing the picker is a "no" like any other here.
    throw new DeviceError(deviceReason(error), error);
  }
}

/** The devices of this machine; empty lists where the browser does not say. */
export async function listDevices(): Promise<Devices> {
  const all = (await navigator.mediaDevices?.enumerateDevices?.().catch(() => [])) ?? [];
  const of = (kind: MediaDeviceKind): Device[] =>
    all
      // Chromium lists the defaults a second time under these ids.
      .filter((one) => one.kind === kind && one.deviceId !== 'communications' && one.deviceId !== 'default')
      .map((one) => ({ id: one.deviceId, label: one.label }));
  return { microphones: of('audioinput'), cameras: of('videoinput'), speakers: of('audiooutput') };
}

/** The camera to try after `current`: the other direction on phones, the next device elsewhere. */
export function nextCamera(
  current: { deviceId?: string | undefined; facing?: string | undefined },
  cameras: readonly Device[],
): CameraChoice | undefined {
  if (cameras.length < 2) return undefined;
  if (current.facing === 'user') return { facing: 'environment' };
  if (current.facing === 'environment') return { facing: 'user' };
  const at = cameras.findIndex((camera) => camera.id === current.deviceId);
  const next = cameras[(at + 1) % cameras.length];
  return next ? { deviceId: next.id } : undefined;
}

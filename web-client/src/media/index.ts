/** Everything of the media side, for a single dynamic import. */
export { CallMedia, type CallMediaOptions, type MediaState } from './call-media.ts';
export type { Device, Devices } from './capture.ts';
export { DeviceError } from './capture.ts';
export { type CameraCodec, cameraCodec } from './encodings.ts';
export { captureObstacle, type DeviceReason } from './errors.ts';
export { LocalMedia, type LocalSource, type SourceState } from './local.ts';
export { LevelMeter, onFirstFrame, play, playTestTone } from './playback.ts';
export type { CallStats, FlowStats } from './stats.ts';

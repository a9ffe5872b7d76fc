import { expect, test } from 'vitest';

import { cameraCodec, codecsFor, type Encoding, encodingsOf, wanted } from './encodings.ts';

/** What a browser reports after an offer of these encodings was accepted. */
const accepted = (encodings: Encoding[]): Encoding[] => encodings.map((one) => ({ active: true, ...one }));

test('a camera is offered in three sizes, lowest first, or as one stream with three sizes inside', () => {
  const sizes = encodingsOf('camera', 'vp8').map(({ rid, scaleResolutionDownBy }) => [
    rid,
    scaleResolutionDownBy,
  ]);
  expect(sizes).toEqual([
    ['q', 4],
    ['h', 2],
    ['f', 1],
  ]);
  expect(encodingsOf('camera', 'av1')).toMatchObject([{ scalabilityMode: 'L3T3_KEY' }]);
  expect(encodingsOf('screen', 'vp8')).toMatchObject([{ scalabilityMode: 'L1T3' }]);
});

test('an answer that takes all encodings leaves nothing to do', () => {
  const offered = encodingsOf('camera', 'vp8');
  expect(wanted(accepted(offered), offered, undefined)).toBeUndefined();
});

test('where the answer leaves one encoding, that one carries the whole picture', () => {
  const offered = encodingsOf('camera', 'vp8');
  const [left] = accepted(offered);
  const next = wanted([left as Encoding], offered, undefined);
  expect(next).toMatchObject([{ active: true, scaleResolutionDownBy: 1, maxBitrate: 1_700_000 }]);
  expect(wanted(next ?? [], offered, undefined)).toBeUndefined();
  expect(wanted(next ?? [], offered, [{ active: false }])).toMatchObject([{ active: false }]);
});

test('a wish pauses encodings, resumes them and caps them, never above their own ceiling', () => {
  const offered = encodingsOf('camera', 'vp8');
  const paused = wanted(accepted(offered), offered, [
    { rid: 'q', active: true, max_bitrate: 90_000 },
    { rid: 'h', active: false },
    { rid: 'f', active: false },
  ]);
  expect(paused).toMatchObject([{ active: true, maxBitrate: 90_000 }, { active: false }, { active: false }]);
  const resumed = wanted(paused ?? [], offered, [
    { rid: 'q', active: true, max_bitrate: 9_000_000 },
    { rid: 'h', active: true },
    { rid: 'f', active: true, max_bitrate: 0 },
  ]);
  expect(resumed).toMatchObject([
    { active: true, maxBitrate: 150_000 },
    { active: true, maxBitrate: 500_000 },
    { active: true, maxBitrate: 1_000 },
  ]);
});

test('a small camera is sent in two layers, half and whole size, and the upper one stands in for the top one', () => {
  const offered = encodingsOf('camera', 'vp8');
  const two = wanted(accepted(offered), offered, undefined, 640 * 360);
  expect(two).toMatchObject([
    { rid: 'q', active: true, scaleResolutionDownBy: 2 },
    { rid: 'h', active: true, scaleResolutionDownBy: 1 },
    { rid: 'f', active: false },
  ]);
  const onlyTop = ['q', 'h', 'f'].map((rid) => ({ rid, active: rid === 'f', max_bitrate: 700_000 }));
  expect(wanted(two ?? [], offered, onlyTop, 640 * 360)).toMatchObject([
    { active: false },
    { active: true, maxBitrate: 700_000 },
    { active: false },
  ]);
  // A larger camera: three layers again.
  expect(wanted(two ?? [], offered, undefined, 1280 * 720)).toMatchObject([
    { scaleResolutionDownBy: 4 },
    { scaleResolutionDownBy: 2 },
    { scaleResolutionDownBy: 1, active: true },
  ]);
});

test('a wish for an encoding the line does not have changes nothing', () => {
  const offered = encodingsOf('camera', 'vp8');
  expect(wanted(accepted(offered), offered, [{ rid: 'x', active: false }])).toBeUndefined();
});

test('a camera that is to send VP9 offers nothing else, and falls back where there is none', () => {
  const capable = ['video/VP8', 'video/rtx', 'video/VP9', 'video/AV1', 'video/ulpfec'].map((mimeType) => ({
    mimeType,
  }));
  expect(codecsFor('camera', 'vp9', capable)?.map(({ mimeType }) => mimeType)).toEqual([
    'video/VP9',
    'video/rtx',
  ]);
  expect(codecsFor('camera', 'h264', capable)).toBeUndefined();
  expect(codecsFor('camera', 'vp8', capable)).toBeUndefined();
  expect(codecsFor('screen', 'vp9', capable)).toBeUndefined();
  const audio = ['audio/opus', 'audio/red', 'audio/PCMU'].map((mimeType) => ({ mimeType }));
  expect(codecsFor('microphone', 'vp8', audio)?.map(({ mimeType }) => mimeType)).toEqual([
    'audio/red',
    'audio/opus',
  ]);
});

test('a page may name a codec in any case; a name nobody knows is none', () => {
  expect(cameraCodec('VP9')).toBe('vp9');
  expect(cameraCodec('theora')).toBeUndefined();
  expect(cameraCodec(undefined)).toBeUndefined();
});

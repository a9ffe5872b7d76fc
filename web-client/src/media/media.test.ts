import { expect, test } from 'vitest';

import { nextCamera } from './capture.ts';
import { deviceReason } from './errors.ts';
import { remoteTracks, sourceLines } from './lines.ts';
import { levelOf } from './playback.ts';
import { callStats } from './stats.ts';

const error = (name: string, message = '') => Object.assign(new Error(message), { name });

test('slots say whose microphone and camera each receive line carries', () => {
  const lines = [
    { mid: '3', track: 'audio 0' },
    { mid: '4', track: 'audio 1' },
    { mid: '6', track: 'video 0' },
  ];
  const tracks = remoteTracks(
    [
      { mid: '3', shows: { party: 'mina', source: 'microphone' } },
      { mid: '4' },
      { mid: '6', shows: { party: 'mina', source: 'camera' } },
      { mid: '99', shows: { party: 'mina', source: 'screen' } },
    ],
    lines,
  );
  expect([...tracks]).toEqual([
    ['mina/microphone', 'audio 0'],
    ['mina/camera', 'video 0'],
  ]);
});

test('before an offer is set no line has a MID, and none is named', () => {
  expect(sourceLines([null, null, null])).toEqual([]);
  expect(sourceLines(['0', '1', '2'])).toEqual([
    { mid: '0', source: 'microphone' },
    { mid: '1', source: 'camera' },
    { mid: '2', source: 'screen' },
  ]);
});

test('what browsers throw becomes a reason a person can do something about', () => {
  expect(deviceReason(error('NotAllowedError', 'Permission denied'))).toBe('denied');
  expect(deviceReason(error('NotAllowedError', 'Permission dismissed'))).toBe('dismissed');
  expect(deviceReason(error('NotAllowedError', 'Permission denied by system'))).toBe('system-denied');
  expect(deviceReason(error('NotFoundError'))).toBe('not-found');
  expect(deviceReason(error('NotReadableError'))).toBe('in-use');
  expect(deviceReason(error('OverconstrainedError'))).toBe('unsuitable');
  expect(deviceReason('?')).toBe('unknown');
});

test('flipping goes to the other side of a phone, and round the cameras of a desk', () => {
  const cameras = [
    { id: 'a', label: 'A' },
    { id: 'b', label: 'B' },
    { id: 'c', label: 'C' },
  ];
  expect(nextCamera({ facing: 'user', deviceId: 'a' }, cameras)).toEqual({ facing: 'environment' });
  expect(nextCamera({ facing: 'environment', deviceId: 'a' }, cameras)).toEqual({ facing: 'user' });
  expect(nextCamera({ deviceId: 'c' }, cameras)).toEqual({ deviceId: 'a' });
  expect(nextCamera({ deviceId: 'a' }, cameras.slice(0, 1))).toBeUndefined();
});

test('the level bar is empty at silence and full at loud speech', () => {
  expect(levelOf(0)).toBe(0);
  expect(levelOf(0.0001)).toBe(0);
  expect(levelOf(0.02)).toBeGreaterThan(0.3);
  expect(levelOf(0.9)).toBe(1);
});

test('the figures come out of a getStats report', () => {
  const report = new Map<string, object>(
    [
      {
        id: 'T',
        type: 'transport',
        selectedCandidatePairId: 'P',
        srtpCipher: 'AEAD_AES_128_GCM',
        tlsVersion: 'FEFD',
      },
      { id: 'P', type: 'candidate-pair', currentRoundTripTime: 0.042, availableOutgoingBitrate: 900_000 },
      { id: 'C', type: 'codec', mimeType: 'video/VP8' },
      {
        id: 'I',
        type: 'inbound-rtp',
        kind: 'video',
        mid: '6',
        codecId: 'C',
        packetsLost: 3,
        framesDecoded: 250,
        framesPerSecond: 25,
      },
      { id: 'O', type: 'outbound-rtp', kind: 'audio', mid: '0', bytesSent: 4_000, remoteId: 'R' },
      { id: 'R', type: 'remote-inbound-rtp', packetsLost: 7 },
    ].map((entry) => [entry.id, entry]),
  );
  expect(callStats(report)).toMatchObject({
    rttMs: 42,
    srtpCipher: 'AEAD_AES_128_GCM',
    availableOutgoing: 900_000,
    receiving: [{ mid: '6', kind: 'video', codec: 'video/VP8', lost: 3, frames: 250, fps: 25 }],
    sending: [{ mid: '0', kind: 'audio', bytes: 4_000, lost: 7 }],
  });
});

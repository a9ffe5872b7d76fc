import { expect, test } from 'vitest';

import { negotiateExtensions } from './extensions.ts';

const SDES = 'urn:ietf:params:rtp-hdrext:sdes:';
const EXPERIMENTS = 'http://www.webrtc.org/experiments/rtp-hdrext/';
const DEPENDENCIES =
  'https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension';

/** What Chromium 156 would negotiate on a video line. */
const CHROMIUM: readonly (readonly [string, RTCRtpTransceiverDirection])[] = [
  ['urn:ietf:params:rtp-hdrext:toffset', 'sendrecv'],
  [`${EXPERIMENTS}abs-send-time`, 'sendrecv'],
  ['urn:3gpp:video-orientation', 'sendrecv'],
  ['http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01', 'sendrecv'],
  [`${EXPERIMENTS}playout-delay`, 'sendrecv'],
  [`${EXPERIMENTS}video-content-type`, 'sendrecv'],
  [`${EXPERIMENTS}video-timing`, 'sendrecv'],
  [`${EXPERIMENTS}color-space`, 'sendrecv'],
  [`${SDES}mid`, 'sendrecv'],
  [`${SDES}rtp-stream-id`, 'sendrecv'],
  [`${SDES}repaired-rtp-stream-id`, 'sendrecv'],
  [`${EXPERIMENTS}corruption-detection`, 'stopped'],
  [`${EXPERIMENTS}abs-capture-time`, 'stopped'],
  [`${EXPERIMENTS}generic-frame-descriptor-00`, 'stopped'],
  [DEPENDENCIES, 'recvonly'],
  [`${EXPERIMENTS}video-layers-allocation00`, 'sendrecv'],
];

/** What a browser that has `extensions` will offer after we have had our say, by URI. */
function offered(
  extensions: typeof CHROMIUM,
  set?: () => void,
): Map<string, RTCRtpTransceiverDirection> | undefined {
  let now = extensions.map(([uri, direction]) => ({ uri, direction }));
  negotiateExtensions({
    getHeaderExtensionsToNegotiate: () => now.map((one) => ({ ...one })),
    setHeaderExtensionsToNegotiate(all: typeof now) {
      set?.();
      now = all;
    },
  } as unknown as RTCRtpTransceiver);
  return new Map(
    now.filter(({ direction }) => direction !== 'stopped').map((one) => [one.uri, one.direction]),
  );
}

test('a line offers what the server speaks and nothing that would take an id from it', () => {
  expect([...(offered(CHROMIUM)?.keys() ?? [])]).toEqual([
    `${EXPERIMENTS}abs-send-time`,
    'urn:3gpp:video-orientation',
    'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
    `${EXPERIMENTS}playout-delay`,
    `${SDES}mid`,
    `${SDES}rtp-stream-id`,
    `${SDES}repaired-rtp-stream-id`,
    `${EXPERIMENTS}abs-capture-time`,
    DEPENDENCIES,
    `${EXPERIMENTS}video-layers-allocation00`,
  ]);
});

test('capture times and dependencies go both ways, whatever the browser would do', () => {
  expect(offered(CHROMIUM)?.get(`${EXPERIMENTS}abs-capture-time`)).toBe('sendrecv');
  expect(offered(CHROMIUM)?.get(DEPENDENCIES)).toBe('sendrecv');
});

test('what a browser does not want to offer of the rest stays so', () => {
  const line = offered([[`${EXPERIMENTS}video-layers-allocation00`, 'stopped']]);
  expect(line?.size).toBe(0);
});

test('browsers without a say in it, or that refuse, offer what they would', () => {
  negotiateExtensions({} as RTCRtpTransceiver);
  const refusing = offered(CHROMIUM, () => {
    throw new DOMException('', 'InvalidModificationError');
  });
  expect(refusing?.get(`${EXPERIMENTS}video-timing`)).toBe('sendrecv');
});

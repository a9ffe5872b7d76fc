/**
 * Header extensions (RFC 8285): a line offers those the server speaks (`sfu/core/src/rtp/extensions.rs`), and only them.
 *
 * The server takes the ids of the one-byte form, 1–14, and all lines of a connection share them: each extension that is offered on
 * any line uses one up. Chromium has more than fourteen, and the last one, in which a camera says what each of its layers is to
 * be, would get an id the server cannot take.
 */
const SDES = 'urn:ietf:params:rtp-hdrext:sdes:';
const EXPERIMENTS = 'http://www.webrtc.org/experiments/rtp-hdrext/';

/** Browsers have these but do not all offer them by themselves, or not where we receive. */
const WANTED = [
  `${EXPERIMENTS}abs-capture-time`,
  // Which frames a picture needs.
  'https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension',
] as const;

/** Those the server speaks. */
export const SPOKEN: readonly string[] = [
  `${SDES}mid`,
  `${SDES}rtp-stream-id`,
  `${SDES}repaired-rtp-stream-id`,
  'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
  `${EXPERIMENTS}abs-send-time`,
  'urn:ietf:params:rtp-hdrext:ssrc-audio-level',
  'urn:3gpp:video-orientation',
  `${EXPERIMENTS}playout-delay`,
  `${EXPERIMENTS}video-layers-allocation00`,
  ...WANTED,
];

interface Extension {
  uri: string;
  direction: RTCRtpTransceiverDirection;
}

/** https://w3c.github.io/webrtc-extensions/#rtp-header-extension-control as Chromium has it. */
interface Negotiable {
  getHeaderExtensionsToNegotiate?(): Extension[];
  setHeaderExtensionsToNegotiate?(extensions: Extension[]): void;
}

export function negotiateExtensions(transceiver: RTCRtpTransceiver): void {
  const line = transceiver as Negotiable;
  const extensions = line.getHeaderExtensionsToNegotiate?.();
  if (!extensions) return;
  for (const extension of extensions) {
    if ((WANTED as readonly string[]).includes(extension.uri)) extension.direction = 'sendrecv';
    else if (!SPOKEN.includes(extension.uri)) extension.direction = 'stopped';
  }
  try {
    line.setHeaderExtensionsToNegotiate?.(extensions);
  } catch {
    // Offered as the browser would have: the call is the same call with a little less to go by.
  }
}

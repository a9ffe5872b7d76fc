/**
 * Header extensions browsers have but do not offer by themselves: the dependency descriptor (which frames a picture needs,
 * https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension) also where we receive, and the
 * absolute capture time (http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time).
 */
const WANTED = /dependency-descriptor|abs-capture-time/;

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
  for (const extension of extensions) if (WANTED.test(extension.uri)) extension.direction = 'sendrecv';
  try {
    line.setHeaderExtensionsToNegotiate?.(extensions);
  } catch {
    // Offered as the browser would have: the call is the same call with a little less to go by.
  }
}

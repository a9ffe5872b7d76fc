/** Why a camera, microphone or screen could not be opened: stable codes, from what browsers throw. */
export type DeviceReason =
  /** The person (or a policy they set) said no; the browser will not ask again by itself. */
  | 'denied'
  /** The person closed the question without an answer. */
  | 'dismissed'
  /** The operating system forbids it to the browser. */
  | 'system-denied'
  /** The page forbids it (Permissions-Policy, iframe without `allow`). */
  | 'blocked-by-page'
  /** No such device. */
  | 'not-found'
  /** Another program has it, or the driver failed. */
  | 'in-use'
  /** The device that was picked cannot do what was asked. */
  | 'unsuitable'
  /** The page is not served over HTTPS. */
  | 'insecure-context'
  /** This browser (or in-app browser) has no capture. */
  | 'unsupported'
  /** It was unplugged or taken away while in use. */
  | 'lost'
  | 'unknown';

/** The reason behind what `getUserMedia` or `getDisplayMedia` threw. */
export function deviceReason(error: unknown): DeviceReason {
  if (!(error instanceof Error) && !(typeof error === 'object' && error !== null)) return 'unknown';
  const { name = '', message = '' } = error as { name?: string; message?: string };
  switch (name) {
    case 'NotAllowedError':
    case 'PermissionDeniedError':
      if (/system/i.test(message)) return 'system-denied';
      if (/dismissed/i.test(message)) return 'dismissed';
      if (/policy/i.test(message)) return 'blocked-by-page';
      return 'denied';
    case 'SecurityError':
      return 'blocked-by-page';
    case 'NotFoundError':
    case 'DevicesNotFoundError':
      return 'not-found';
    case 'NotReadableError':
    case 'TrackStartError':
    case 'AbortError':
      return 'in-use';
    case 'OverconstrainedError':
    case 'ConstraintNotSatisfiedError':
      return 'unsuitable';
    case 'TypeError':
      return 'insecure-context';
    default:
      return 'unknown';
  }
}

/** What stands in the way of any capture in this page, before asking; `undefined` when nothing does. */
export function captureObstacle(): DeviceReason | undefined {
  if (!globalThis.isSecureContext) return 'insecure-context';
  if (!navigator.mediaDevices?.getUserMedia || typeof RTCPeerConnection === 'undefined') return 'unsupported';
  return undefined;
}

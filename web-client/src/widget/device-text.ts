import type { Key } from '../locales/catalogue.ts';
import type { DeviceReason } from '../media/index.ts';

/** What to tell a person about a device that does not open, and what they can do. */
export const DEVICE_TEXT: Record<DeviceReason, Key> = {
  denied: 'deviceDenied',
  dismissed: 'deviceDismissed',
  'system-denied': 'deviceSystemDenied',
  'blocked-by-page': 'deviceBlockedByPage',
  'not-found': 'deviceNotFound',
  'in-use': 'deviceInUse',
  unsuitable: 'deviceUnsuitable',
  'insecure-context': 'deviceInsecure',
  unsupported: 'deviceUnsupported',
  lost: 'deviceLost',
  unknown: 'deviceUnknown',
};

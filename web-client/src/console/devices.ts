/** What to tell an agent whose camera, microphone or screen could not be opened. */
import type { DeviceReason } from '../media/index.ts';

type Which = 'microphone' | 'camera' | 'screen';

/** One sentence of what is wrong and one of what to do. */
export function reasonText(which: Which, reason: DeviceReason): string {
  switch (reason) {
    case 'denied':
      return `The browser does not allow the ${which}. Allow it in the address bar (the icon left of the address), then try again.`;
    case 'dismissed':
      return `The question about the ${which} was closed without an answer. Try again and choose “Allow”.`;
    case 'system-denied':
      return `The operating system does not let the browser use the ${which}. Allow it in the privacy settings.`;
    case 'blocked-by-page':
      return `A policy of this site forbids the ${which}. Ask your admin.`;
    case 'not-found':
      return `No ${which} was found. Plug one in, then try again.`;
    case 'in-use':
      return `The ${which} is used by another program or does not respond. Close the other program, then try again.`;
    case 'unsuitable':
      return `The chosen ${which} cannot do what is needed. Choose another one.`;
    case 'insecure-context':
      return `The ${which} works on secure (https) pages only. Ask your admin for the https address.`;
    case 'unsupported':
      return `This browser cannot use a ${which} in calls. Use a current Chrome, Edge, Firefox or Safari.`;
    case 'lost':
      return `The ${which} was unplugged or taken away. Plug it in, then try again.`;
    case 'unknown':
      return `The ${which} could not be opened. Try again, or choose another one.`;
  }
}

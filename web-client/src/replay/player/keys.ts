/** Keys of the player, and what they do. Pure; the page decides which presses are meant for it. */
import type { Shortcut } from '../../staff/keys.ts';

/** Something the player can be told to do. */
export type Command =
  | { readonly do: 'toggle' }
  | { readonly do: 'skip'; readonly byMs: number }
  | { readonly do: 'frame'; readonly direction: 1 | -1 }
  | { readonly do: 'moment'; readonly direction: 1 | -1 }
  | { readonly do: 'begin' }
  | { readonly do: 'end' }
  | { readonly do: 'rate'; readonly by: 1 | -1 }
  | { readonly do: 'mute'; readonly side: 'agent' | 'buyer' }
  | { readonly do: 'skip-silence' }
  | { readonly do: 'view' }
  | { readonly do: 'swap' }
  | { readonly do: 'fullscreen' }
  | { readonly do: 'zoom'; readonly by: 1 | -1 | 0 }
  | { readonly do: 'pan'; readonly by: 1 | -1 }
  | { readonly do: 'copy-link' };

const COMMANDS: Readonly<Record<string, Command>> = {
  ' ': { do: 'toggle' },
  k: { do: 'toggle' },
  ArrowLeft: { do: 'skip', byMs: -5_000 },
  ArrowRight: { do: 'skip', byMs: 5_000 },
  j: { do: 'skip', byMs: -10_000 },
  l: { do: 'skip', byMs: 10_000 },
  ',': { do: 'frame', direction: -1 },
  '.': { do: 'frame', direction: 1 },
  '[': { do: 'moment', direction: -1 },
  ']': { do: 'moment', direction: 1 },
  Home: { do: 'begin' },
  End: { do: 'end' },
  '<': { do: 'rate', by: -1 },
  '>': { do: 'rate', by: 1 },
  '1': { do: 'mute', side: 'agent' },
  '2': { do: 'mute', side: 'buyer' },
  s: { do: 'skip-silence' },
  v: { do: 'view' },
  x: { do: 'swap' },
  f: { do: 'fullscreen' },
  '+': { do: 'zoom', by: 1 },
  '=': { do: 'zoom', by: 1 },
  '-': { do: 'zoom', by: -1 },
  '0': { do: 'zoom', by: 0 },
  PageUp: { do: 'pan', by: -1 },
  PageDown: { do: 'pan', by: 1 },
  u: { do: 'copy-link' },
};

/** What a key means, whatever the caps lock says; nothing for most. */
export function commandOf(key: string): Command | undefined {
  const name = key.length === 1 ? key.toLowerCase() : key;
  return Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
}

/** The same for people. */
export const PLAYER_SHORTCUTS: readonly Shortcut[] = [
  { keys: ['Space', 'K'], does: 'Play or pause' },
  { keys: ['←', '→'], does: 'Back or forward 5 seconds' },
  { keys: ['J', 'L'], does: 'Back or forward 10 seconds' },
  { keys: [',', '.'], does: 'Previous or next frame' },
  { keys: ['[', ']'], does: 'Previous or next chat line or event' },
  { keys: ['Home', 'End'], does: 'To the beginning or the end' },
  { keys: ['<', '>'], does: 'Slower or faster' },
  { keys: ['S'], does: 'Skip silence on or off' },
  { keys: ['1', '2'], does: 'Mute the agent or the buyer' },
  { keys: ['V', 'X'], does: 'Next view, swap the sides' },
  { keys: ['F'], does: 'Full screen' },
  { keys: ['+', '-', '0'], does: 'Timeline closer, farther, whole' },
  { keys: ['PgUp', 'PgDn'], does: 'Move along the enlarged timeline' },
  { keys: ['U'], does: 'Copy a link to this moment' },
];

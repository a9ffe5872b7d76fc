/** What people are in a call, in words, and whom one looks at. Pure. */
import type { CallView, MonitorMode, Party } from '../../protocol.ts';

export const MODES: readonly { readonly mode: MonitorMode; readonly name: string; readonly hint: string }[] =
  [
    { mode: 'listen', name: 'Listen', hint: 'Nobody hears you; the agent sees that you are here.' },
    { mode: 'whisper', name: 'Whisper', hint: 'Only the agent hears you.' },
    { mode: 'barge', name: 'Barge in', hint: 'Everybody hears and sees you.' },
  ];

/** What somebody does in a call, for their chip. Empty for the buyer and the agent, who need no explanation. */
export function doing(party: Party): string {
  if (party.side === 'consultant') return 'consult';
  if (party.side !== 'supervisor') return '';
  switch (party.monitor) {
    case 'whisper':
      return 'whispers to the agent';
    case 'barge':
      return 'takes part';
    default:
      return 'listens';
  }
}

/** Whose picture is the large one: the buyer, or, while they are on hold, whom one talks with instead. */
export function mainParty(call: CallView, others: readonly Party[]): Party | undefined {
  const buyer = others.find(({ side }) => side === 'buyer');
  if (!call.held_since) return buyer ?? others[0];
  const talking = others.filter(({ side, monitor }) => side !== 'buyer' && monitor !== 'listen');
  return talking.find(({ side }) => side === 'agent' || side === 'consultant') ?? talking[0] ?? buyer;
}

/** Whom the server may be asked to mute. The server decides; this only saves a refusal. */
export function mayMute(me: Party | undefined, whom: Party): boolean {
  if (me?.side === 'agent') return whom.side === 'buyer' || whom.side === 'consultant';
  return me?.side === 'supervisor' && whom.side !== 'supervisor';
}

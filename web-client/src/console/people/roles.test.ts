import { expect, test } from 'vitest';

import type { CallView, MonitorMode, Party, Side } from '../../protocol.ts';
import { doing, mainParty, mayMute } from './roles.ts';

const party = (side: Side, monitor?: MonitorMode): Party => ({
  id: side,
  side,
  name: side,
  present: true,
  sending: [],
  muted: [],
  ...(monitor ? { monitor } : {}),
});

const call = (held: boolean): CallView => ({
  id: 'c',
  state: 'connected',
  requested_at: '2026-01-01T00:00:00Z',
  you: 'agent',
  parties: [],
  recording: 'off',
  chat: [],
  ...(held ? { held_since: '2026-01-01T00:00:00Z' } : {}),
});

test('the buyer is looked at, and whom one talks with while they are on hold', () => {
  const [buyer, agent, colleague] = [party('buyer'), party('agent'), party('consultant')];
  expect(mainParty(call(false), [buyer, colleague])).toBe(buyer);
  expect(mainParty(call(true), [buyer])).toBe(buyer);
  expect(mainParty(call(true), [buyer, colleague])).toBe(colleague);
  expect(mainParty(call(true), [buyer, agent, party('supervisor', 'listen')])).toBe(agent);
  expect(mainParty(call(true), [buyer, party('supervisor', 'listen')])).toBe(buyer);
  expect(mainParty(call(true), [])).toBeUndefined();
});

test('everybody may know what a guest does', () => {
  expect(doing(party('buyer'))).toBe('');
  expect(doing(party('consultant'))).toBe('consult');
  expect(doing(party('supervisor', 'listen'))).toBe('listens');
  expect(doing(party('supervisor', 'whisper'))).toBe('whispers to the agent');
});

test('only those are offered a mute who may have it', () => {
  expect(mayMute(party('agent'), party('buyer'))).toBe(true);
  expect(mayMute(party('agent'), party('supervisor', 'barge'))).toBe(false);
  expect(mayMute(party('supervisor', 'listen'), party('agent'))).toBe(true);
  expect(mayMute(party('consultant'), party('buyer'))).toBe(false);
  expect(mayMute(undefined, party('buyer'))).toBe(false);
});

import { expect, test } from 'vitest';

import type { CallMedia } from '../media/index.ts';
import type { Availability, CallState, CallView, Me, Ring } from '../protocol.ts';
import type { CallStore } from '../session/call-store.ts';
import { Desk, placeOf } from './desk.ts';

const call = (state: CallState): CallView => ({
  id: 'c',
  state,
  requested_at: '2026-01-01T00:00:00Z',
  you: 'a',
  parties: [],
  recording: 'off',
  chat: [],
});

test('a ring never covers a call that goes on or its wrap-up', () => {
  expect(placeOf(call('connected'), true)).toBe('call');
  expect(placeOf(call('wrap_up'), true)).toBe('wrap-up');
});

test('a call that is over makes room for the next ring', () => {
  expect(placeOf(call('ended'), true)).toBe('ring');
  expect(placeOf(call('ended'), false)).toBe('idle');
  expect(placeOf(undefined, false)).toBe('idle');
});

/** A desk whose server and devices do what the test says. */
class World {
  readonly notes: string[] = [];
  readonly did: string[] = [];
  readonly store = Object.assign(new EventTarget(), {
    staff: { name: 'Mina', role: 'agent', availability: 'away' },
    linkState: 'open',
    setAvailability: (availability: Availability) => this.did.push(`set ${availability}`),
    accept: () => this.did.push('accept') > 0,
    clearCall: () => this.#set({ call: undefined }),
  });
  readonly local = {
    microphone: { state: 'live' },
    openBoth: async () => void this.did.push('open devices'),
    letGo: async () => void this.did.push('let go of devices'),
    stopScreen: () => void this.did.push('stop screen'),
    setMuted: async (muted: boolean) => void this.did.push(muted ? 'mute' : 'unmute'),
  };
  readonly media = Object.assign(new EventTarget(), { held: false, local: this.local });
  readonly desk = new Desk(
    {
      id: 'u',
      email: 'mina@shop.example',
      name: 'Mina',
      role: 'agent',
      rights: ['take_calls', 'read_own_calls'],
    } satisfies Me,
    (text) => this.notes.push(text),
    { store: this.store as unknown as CallStore, media: this.media as unknown as CallMedia },
  );

  /** The server has said something. */
  #set(part: object) {
    Object.assign(this.store, part);
    this.store.dispatchEvent(new Event('change'));
  }

  availability(availability: Availability) {
    this.#set({ staff: { ...this.store.staff, availability } });
  }

  ring() {
    this.#set({ ring: { call: 'c' } as Ring });
  }

  unanswered() {
    this.#set({ ring: undefined, ringEnd: { call: 'c', reason: 'no_answer' } });
  }

  call(state: CallState, part: Partial<CallView> = {}) {
    this.#set({ ring: undefined, call: { ...call(state), ...part } });
  }
}

test('nothing is sent while the agent waits, rings or wraps up; in a call it is', () => {
  const world = new World();
  expect(world.media.held).toBe(true);
  world.ring();
  expect(world.media.held).toBe(true);
  world.call('connected');
  expect(world.media.held).toBe(false);
  world.call('wrap_up');
  expect(world.media.held).toBe(true);
});

test('going on duty opens the devices, going away lets go of them', () => {
  const world = new World();
  world.desk.setAvailable(true);
  world.availability('available');
  world.desk.setAvailable(false);
  world.availability('away');
  expect(world.did).toEqual(['set available', 'open devices', 'set away', 'let go of devices']);
});

test('a page that was reloaded in a call opens the devices without a click', () => {
  const world = new World();
  world.call('connected');
  expect(world.did).toEqual(['open devices']);
});

test('what was shared or muted in one call is not in the next', () => {
  const world = new World();
  world.desk.setAvailable(true);
  world.availability('busy');
  world.call('connected');
  world.local.microphone.state = 'muted';
  world.did.length = 0;
  world.call('wrap_up');
  expect(world.did).toEqual(['stop screen', 'unmute']);
});

test('a missed call is remembered until the agent is back', () => {
  const world = new World();
  world.ring();
  world.unanswered();
  expect(world.desk.place).toBe('idle');
  expect(world.desk.missedAt).toBeDefined();
  world.desk.setAvailable(true);
  expect(world.desk.missedAt).toBeUndefined();
});

test('a call that ended without a wrap-up says why', () => {
  const world = new World();
  world.call('connected');
  world.call('ended', { end_reason: 'agent_lost' });
  expect(world.notes).toEqual(['Your connection was away for too long; the call is over.']);
});

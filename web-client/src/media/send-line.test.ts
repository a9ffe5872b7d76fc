import { expect, test } from 'vitest';

import { SendLine } from './send-line.ts';

/** A sender whose `setParameters` takes a moment, and can be told to be overtaken. */
class FakeSender {
  track: Pick<MediaStreamTrack, 'getSettings'> | null = null;
  overtaken = 0;
  refusesPreference = false;
  applied: string[] = [];
  onApplied: (() => void) | undefined;
  #encodings: RTCRtpEncodingParameters[];
  #transaction = 0;
  #preference: string | undefined;

  constructor(encodings: RTCRtpEncodingParameters[]) {
    this.#encodings = encodings.map((one) => ({ active: true, ...one }));
  }

  getParameters() {
    this.#transaction += 1;
    return {
      transactionId: String(this.#transaction),
      encodings: structuredClone(this.#encodings),
      ...(this.#preference ? { degradationPreference: this.#preference } : {}),
    };
  }

  async setParameters(parameters: ReturnType<FakeSender['getParameters']>) {
    await Promise.resolve();
    if (this.overtaken > 0) {
      this.overtaken -= 1;
      throw new DOMException('', 'InvalidStateError');
    }
    if (parameters.transactionId !== String(this.#transaction))
      throw new DOMException('', 'InvalidStateError');
    if (this.refusesPreference && parameters.degradationPreference) throw new TypeError('unknown');
    this.#encodings = parameters.encodings;
    this.#preference = parameters.degradationPreference;
    this.applied.push(this.active.join(' '));
    this.onApplied?.();
  }

  get active(): string[] {
    return this.#encodings.filter(({ active }) => active).map(({ rid }) => rid ?? '');
  }

  get ceiling(): number {
    return this.#encodings.reduce((sum, { active, maxBitrate }) => sum + (active ? (maxBitrate ?? 0) : 0), 0);
  }

  get preference(): string | undefined {
    return this.#preference;
  }
}

function cameraLine() {
  let sender: FakeSender | undefined;
  const estimate = { bps: undefined as number | undefined };
  const connection = {
    signalingState: 'stable',
    getStats: async () => [
      { id: 'T', type: 'transport', selectedCandidatePairId: 'P' },
      { id: 'P', type: 'candidate-pair', availableOutgoingBitrate: estimate.bps },
    ],
    addTransceiver(_kind: string, init: RTCRtpTransceiverInit) {
      sender = new FakeSender(init.sendEncodings ?? []);
      return { mid: '1', sender };
    },
  };
  const line = new SendLine(connection as unknown as RTCPeerConnection, 'camera', 'video', 'vp8');
  if (!sender) throw new Error('no transceiver was added');
  return { line, sender, connection, estimate };
}

const only = (wanted: string) => ['q', 'h', 'f'].map((rid) => ({ rid, active: rid === wanted }));

test('wishes that come faster than they can be applied: the last one counts', async () => {
  const { line, sender } = cameraLine();
  await line.answered();
  await Promise.all([line.wish(only('q')), line.wish(only('f')), line.wish(only('h'))]);
  expect(sender.active).toEqual(['h']);
  expect(sender.preference).toBe('maintain-framerate');
});

test('a wish from before the answer waits for it', async () => {
  const { line, sender } = cameraLine();
  await line.wish(only('q'));
  expect(sender.applied).toEqual([]);
  await line.answered();
  expect(sender.active).toEqual(['q']);
});

test('parameters that somebody else changed meanwhile are read again', async () => {
  const { line, sender } = cameraLine();
  await line.answered();
  sender.overtaken = 2;
  await line.wish(only('f'));
  expect(sender.active).toEqual(['f']);
});

test('a browser that does not know the preference still follows the wish', async () => {
  const { line, sender } = cameraLine();
  sender.refusesPreference = true;
  await line.wish(only('q'));
  await line.answered();
  expect(sender.active).toEqual(['q']);
});

test('a connection that has been closed is left alone', async () => {
  const { line, sender, connection } = cameraLine();
  await line.answered();
  const before = sender.applied.length;
  connection.signalingState = 'closed';
  await line.wish(only('q'));
  expect(sender.applied).toHaveLength(before);
});

test('a larger picture waits until the browser has found room for it, and no longer than a moment', async () => {
  const { line, sender, estimate } = cameraLine();
  sender.track = { getSettings: () => ({ width: 1280, height: 720 }) };
  await line.answered();
  await line.wish(only('q'));
  estimate.bps = 250_000;
  const ceilings: number[] = [];
  sender.onApplied = () => {
    ceilings.push(sender.ceiling);
    // The browser probes, because it may send more.
    estimate.bps = 900_000;
  };
  await line.wish(only('h'));
  expect(sender.active).toEqual(['h']);
  expect(ceilings).toEqual([500_000, 500_000]);
  expect(sender.applied.slice(-2)).toEqual(['q', 'h']);

  sender.onApplied = undefined;
  await line.wish(only('q'));
  estimate.bps = 250_000;
  await line.wish(only('f'));
  expect(sender.active, 'a browser that finds no room is not waited for').toEqual(['f']);
});

test('while a larger picture waits, a wish for something else comes first', async () => {
  const { line, sender, estimate } = cameraLine();
  sender.track = { getSettings: () => ({ width: 1280, height: 720 }) };
  await line.answered();
  await line.wish(only('q'));
  estimate.bps = 100_000;
  const grown = line.wish(only('f'));
  await line.wish(only('q'));
  await grown;
  expect(sender.active).toEqual(['q']);
  expect(sender.applied.some((active) => active === 'f')).toBe(false);
  expect(sender.ceiling).toBe(150_000);
});

import { expect, test } from 'vitest';

import { SendLine } from './send-line.ts';

/** A sender whose `setParameters` takes a moment, and can be told to be overtaken. */
class FakeSender {
  track: MediaStreamTrack | null = null;
  overtaken = 0;
  refusesPreference = false;
  applied: string[] = [];
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
  }

  get active(): string[] {
    return this.#encodings.filter(({ active }) => active).map(({ rid }) => rid ?? '');
  }

  get preference(): string | undefined {
    return this.#preference;
  }
}

function cameraLine() {
  let sender: FakeSender | undefined;
  const connection = {
    signalingState: 'stable',
    addTransceiver(_kind: string, init: RTCRtpTransceiverInit) {
      sender = new FakeSender(init.sendEncodings ?? []);
      return { mid: '1', sender };
    },
  };
  const line = new SendLine(connection as unknown as RTCPeerConnection, 'camera', 'video', 'vp8');
  if (!sender) throw new Error('no transceiver was added');
  return { line, sender, connection };
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

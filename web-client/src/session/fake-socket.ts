/** A WebSocket for tests: the test plays the server. Connections appear in {@link FakeSocket.all}. */
import type { ClientFrame, ServerMessage } from '../protocol.ts';

export class FakeSocket extends EventTarget {
  static all: FakeSocket[] = [];

  /** The newest connection. */
  static get last(): FakeSocket {
    const last = FakeSocket.all.at(-1);
    if (!last) throw new Error('nobody has connected');
    return last;
  }

  readonly url: string;
  readonly sent: ClientFrame[] = [];
  closed = false;
  #seq = 0;

  constructor(url: string) {
    super();
    this.url = url;
    FakeSocket.all.push(this);
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as ClientFrame);
  }

  close(): void {
    this.closed = true;
  }

  /** The TCP and WebSocket handshakes are done. */
  accept(): this {
    this.dispatchEvent(new Event('open'));
    return this;
  }

  /** The connection breaks. */
  break(code = 1006): void {
    this.dispatchEvent(Object.assign(new Event('close'), { code }));
  }

  /** The server says something, numbered on from the last number of this connection or with a number of its own. */
  says(message: ServerMessage, seq: number = this.#seq + 1): this {
    this.#seq = seq;
    return this.raw(JSON.stringify({ seq, ...message }));
  }

  raw(data: unknown): this {
    this.dispatchEvent(new MessageEvent('message', { data }));
    return this;
  }

  /** Types of what the client has said. */
  get types(): string[] {
    return this.sent.map((frame) => frame.type);
  }
}

export const asWebSocket = FakeSocket as unknown as new (url: string) => WebSocket;

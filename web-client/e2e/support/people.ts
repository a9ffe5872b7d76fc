// The people of the story, as what they do on their screens. Names of controls are the `data-testid`s that widget and
// consoles promise to keep.

import { type APIRequestContext, expect, type Locator, type Page, request } from '@playwright/test';
import type { Recording, RecordingSummary, Ticket } from '../../src/protocol.ts';
import { type CameraSide, type FrameCode, framesBetween } from '../media/code.ts';
import type { Vitrine } from './server.ts';

/** The code that the picture inside `holder` shows right now. */
export function shown(holder: Locator): Promise<FrameCode | null> {
  return holder.evaluate(
    (element) => {
      const inside = (element.shadowRoot ?? element).querySelector('video');
      const video = element instanceof HTMLVideoElement ? element : inside;
      return video ? window.probe.read(video) : null;
    },
    undefined,
    { timeout: 2_000 },
  );
}

/** The picture inside `holder` is of `side` and moves: decoded, not only counted by the browser. */
export async function expectMoving(holder: Locator, side: CameraSide, frames = 15): Promise<void> {
  let first: FrameCode | null = null;
  await expect
    .poll(
      async () => {
        const now = await shown(holder).catch(() => null);
        if (now?.side !== side) return `no picture of the ${side}`;
        first ??= now;
        return framesBetween(first.counter, now.counter) >= frames ? 'moving' : 'standing still';
      },
      { message: `picture of the ${side} moves`, intervals: [100], timeout: 20_000 },
    )
    .toBe('moving');
}

/** The picture inside `holder` has stopped or is gone. */
export async function expectNoPicture(holder: Locator): Promise<void> {
  let last: string | undefined;
  await expect
    .poll(
      async () => {
        if (!(await holder.isVisible())) return 'gone';
        // It may go between the two looks; waiting for it to come back would be waiting for ever.
        const now = JSON.stringify(await shown(holder).catch(() => null));
        const same = now === last || now === 'null';
        last = now;
        return same ? 'gone' : 'moving';
      },
      { intervals: [400], timeout: 15_000 },
    )
    .toBe('gone');
}

/** Somebody with a page. */
class Person {
  readonly page: Page;
  readonly server: Vitrine;

  constructor(page: Page, server: Vitrine) {
    this.page = page;
    this.server = server;
  }

  /** A control or display by its name. */
  the(testId: string): Locator {
    return this.page.getByTestId(testId);
  }

  /** Types into a field: the control itself, or the native one inside it. */
  async fill(testId: string, text: string): Promise<void> {
    await this.native(testId).fill(text);
  }

  /** The native control that is, or is inside, the element with this name. */
  native(testId: string): Locator {
    const named = `[data-testid="${testId}"]`;
    const kinds = ['input', 'textarea', 'select'];
    return this.page.locator(kinds.flatMap((kind) => [`${kind}${named}`, `${named} ${kind}`]).join(', '));
  }

  /** Other side seen and heard. */
  async expectToSeeAndHear(side: CameraSide): Promise<void> {
    await expectMoving(this.the('remote-video'), side);
    await expect
      .poll(() => this.page.evaluate(() => window.probe.loudness(400)), { message: `the ${side} is heard` })
      .toBeGreaterThan(0.005);
  }

  /** The cipher of the SRTP this page's connected transport uses. */
  async srtpCipher(): Promise<string> {
    return this.page.evaluate(async () => {
      for (const peer of window.probe.peers.filter(
        ({ connectionState }) => connectionState === 'connected',
      )) {
        for (const stats of (await peer.getStats()).values()) {
          if (stats.type === 'transport' && stats.srtpCipher) return String(stats.srtpCipher);
        }
      }
      return 'none';
    });
  }

  async say(text: string): Promise<void> {
    // On a phone the chat lies behind a button.
    if (!(await this.native('chat-input').isVisible())) await this.the('chat').click();
    await this.fill('chat-input', text);
    await this.the('chat-send').click();
  }
}

/** Who asks for help, on a phone. */
export class Buyer extends Person {
  /** Opens a product page of the demo shop, in a language. */
  async openProduct(language = 'de'): Promise<void> {
    await this.page.goto(`${this.server.url}/demo/p/LAMP-01?lang=${language}`);
    await expect(this.the('open')).toBeVisible();
  }

  /** From the tap to the waiting room. */
  async askForHelp(choice: { record: boolean }): Promise<void> {
    await this.the('open').click();
    await this.the(choice.record ? 'consent-accept' : 'consent-decline').click();
    await this.the('skip-check').click();
    await expect(this.the('waiting')).toBeVisible();
  }
}

/** Who helps, at a desk. */
export class Agent extends Person {
  async logIn(email: string, password: string): Promise<void> {
    await this.page.goto(`${this.server.url}/console/`);
    await this.fill('login-email', email);
    await this.fill('login-password', password);
    await this.the('login-submit').click();
    await expect(this.the('availability')).toBeVisible();
  }

  async becomeAvailable(): Promise<void> {
    await this.the('availability').click();
    await expect(this.the('availability')).toHaveAttribute('aria-checked', 'true');
  }

  async accept(): Promise<void> {
    await expect(this.the('ring')).toBeVisible();
    await this.the('accept').click();
  }

  async wrapUp(outcome: string, notes: string): Promise<string> {
    await this.native('outcome').selectOption(outcome);
    await this.fill('notes', notes);
    const number = (await this.the('ticket-number').textContent())?.trim() ?? '';
    await this.the('wrap-up-save').click();
    await expect(this.the('saved')).toBeVisible();
    return number;
  }
}

/** A member of staff at the REST API. */
export class Staff {
  readonly api: APIRequestContext;

  private constructor(api: APIRequestContext) {
    this.api = api;
  }

  static async logIn(server: Vitrine, email: string, password: string): Promise<Staff> {
    const api = await request.newContext({ baseURL: server.url, extraHTTPHeaders: { origin: server.url } });
    const answer = await api.post('/api/v1/login', { data: { email, password } });
    expect(answer.status(), await answer.text()).toBe(200);
    return new Staff(api);
  }

  async get<T>(path: string): Promise<T> {
    const answer = await this.api.get(`/api/v1${path}`);
    expect(answer.status(), `${path}: ${await answer.text()}`).toBe(200);
    return answer.json();
  }

  async ticket(number: string): Promise<Ticket> {
    const { items } = await this.get<{ items: Ticket[] }>(`/tickets?q=${encodeURIComponent(number)}`);
    const ticket = items.find((one) => one.number === number);
    if (!ticket) throw new Error(`no ticket ${number} among ${items.length}`);
    return ticket;
  }

  async recordings(search = ''): Promise<RecordingSummary[]> {
    return (await this.get<{ items: RecordingSummary[] }>(`/recordings${search}`)).items;
  }

  async recording(id: string): Promise<Recording> {
    return this.get<Recording>(`/recordings/${id}`);
  }
}

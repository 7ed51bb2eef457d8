import { setTimeout as delay } from 'node:timers/promises';

const TIMEOUT_MS = 10_000;
const TRIES_MAX = 7;
const UNDER_WAY_MAX = 1_000;

export interface NotifierOptions {
  /** Where the shop wants to be told. */
  url: string;
  /** The wait before the second try, in milliseconds; it doubles with each further one. */
  retryMs: number;
  /** Told of every notification that is given up. */
  onFault: (fault: unknown) => void;
}

/**
 * Tells the shop what has changed, as YooKassa does: at least once, with more tries until an answer is 2xx, and in
 * no promised order. Nobody waits for it. What a stop or a crash cuts short is not told again: as with any
 * notification, the shop must not depend on it.
 */
export class SandboxNotifier {
  private readonly closing = new AbortController();
  private readonly underWay = new Set<Promise<void>>();

  constructor(private readonly options: NotifierOptions) {}

  /** Sends `notification` once `durable` says that what it tells is on disk; if it never is, there is nothing to tell. */
  tell(notification: object, durable: Promise<void>): void {
    if (this.underWay.size >= UNDER_WAY_MAX) {
      this.options.onFault(new Error(`${UNDER_WAY_MAX} notifications wait already; one was dropped`));
      return;
    }
    const body = JSON.stringify(notification);
    const sending = durable.then(
      () => this.send(body),
      () => undefined,
    );
    this.underWay.add(sending);
    void sending.finally(() => this.underWay.delete(sending));
  }

  /** Breaks off what is under way. */
  async close(): Promise<void> {
    this.closing.abort();
    await Promise.all(this.underWay);
  }

  private async send(body: string): Promise<void> {
    let fault: unknown;
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      try {
        if (tries > 0) await this.wait(2 ** (tries - 1));
        await this.post(body);
        return;
      } catch (error) {
        if (this.closing.signal.aborted) return;
        fault = error;
      }
    }
    this.options.onFault(new Error(`a notification was given up after ${TRIES_MAX} tries`, { cause: fault }));
  }

  private async wait(times: number): Promise<void> {
    await delay(this.options.retryMs * times, undefined, { signal: this.closing.signal });
  }

  private async post(body: string): Promise<void> {
    const response = await fetch(this.options.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      redirect: 'error',
      signal: AbortSignal.any([this.closing.signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`the shop answered ${response.status}`);
  }
}

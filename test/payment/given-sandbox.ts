import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type RunningSandboxGateway,
  type SandboxGatewayOptions,
  startSandboxGateway,
} from '../../src/payment/sandbox/sandbox-gateway.js';

export const credentials = { shopId: 'shop-1', secretKey: 'test_secret' };

export interface PaymentObject {
  id: string;
  status: string;
  paid: boolean;
  amount: { value: string; currency: string };
  confirmation?: { confirmation_url: string };
  cancellation_details?: { party: string; reason: string };
  [member: string]: unknown;
}

export interface Listing {
  captures: number;
  payments: {
    id: string;
    order_id: string;
    idempotence_key: string;
    status: string;
    [member: string]: unknown;
  }[];
}

export interface Answer<T = Record<string, unknown>> {
  status: number;
  body: T;
}

/** Speaks to a gateway as a merchant's shop does. */
export class Shop {
  constructor(
    private readonly url: string,
    private readonly authorization = `Basic ${btoa(`${credentials.shopId}:${credentials.secretKey}`)}`,
  ) {}

  pay(key: string, overrides: object = {}, signal?: AbortSignal): Promise<Answer<PaymentObject>> {
    return this.post('/v3/payments', key, { ...givenPayment(key), ...overrides }, signal);
  }

  refund(key: string, paymentId: string, value: string, currency = 'USD'): Promise<Answer> {
    return this.post('/v3/refunds', key, { payment_id: paymentId, amount: { value, currency } });
  }

  async ledger(orderId?: string): Promise<Listing> {
    const query = orderId === undefined ? '' : `?order_id=${orderId}`;
    return (await this.get<Listing>(`/ledger${query}`)).body;
  }

  async get<T = Record<string, unknown>>(path: string): Promise<Answer<T>> {
    return readAnswer(await fetch(this.origin + path, { headers: { authorization: this.authorization } }));
  }

  async post<T>(path: string, key: string | null, body: unknown, signal?: AbortSignal): Promise<Answer<T>> {
    const headers: Record<string, string> = {
      authorization: this.authorization,
      'content-type': 'application/json',
      ...(key !== null && { 'idempotence-key': key }),
    };
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return readAnswer(await fetch(this.origin + path, { method: 'POST', headers, body: text, signal }));
  }

  /** The customer presses a button of the confirmation page; the redirect is not followed. */
  decide(confirmationUrl: string, decision: string): Promise<Response> {
    return fetch(confirmationUrl, {
      method: 'POST',
      body: new URLSearchParams({ decision }),
      redirect: 'manual',
    });
  }

  private get origin(): string {
    return new URL(this.url).origin;
  }
}

async function readAnswer<T>(response: Response): Promise<Answer<T>> {
  return { status: response.status, body: (await response.json()) as T };
}

/** A payment of 12.34 USD for the order `order-of-<key>`. */
export function givenPayment(key: string) {
  return {
    amount: { value: '12.34', currency: 'USD' },
    capture: true,
    confirmation: { type: 'redirect', return_url: 'https://shop.example/thanks' },
    description: 'Order <1>',
    metadata: { order_id: `order-of-${key}` },
  };
}

/** A folder of its own for each test, with a ledger in it, and every gateway started on it ended afterwards. */
export class SandboxFixture {
  private folder = '';
  private readonly running: RunningSandboxGateway[] = [];

  async prepare(): Promise<void> {
    this.folder = await mkdtemp(join(tmpdir(), 'holdfast-sandbox-'));
  }

  get ledgerFile(): string {
    return join(this.folder, 'new', 'ledger.jsonl');
  }

  async start(options: Partial<SandboxGatewayOptions> = {}): Promise<RunningSandboxGateway> {
    const defaults = { port: 0, ledgerFile: this.ledgerFile, slowMs: 200, ...credentials };
    const gateway = await startSandboxGateway({ ...defaults, ...options });
    this.running.push(gateway);
    return gateway;
  }

  async cleanUp(): Promise<void> {
    // Some tests end a gateway themselves, or break its disk; all that matters here is that none is left.
    await Promise.allSettled(this.running.splice(0).map((gateway) => gateway.close()));
    await rm(this.folder, { recursive: true, force: true });
  }
}

import { randomUUID } from 'node:crypto';
import { eventually } from '../support/eventually.js';
import type { Chance } from './chance.js';
import { Client } from './client.js';
import { Customer } from './customer.js';

/** What a client was told. Whatever happens to whom: it must be so. */
export interface Acknowledged {
  said: 'placed' | 'paid' | 'declined' | 'failed' | 'pending' | 'cancelled' | 'refunded';
  order_id: string;
  /** The idempotency key under which it was said. */
  key: string;
  /** Of the order, or of its payment, in major units; and its lines, where they were told. */
  total?: number;
  lines?: { product_id: number; quantity: number }[];
}

/** What the customers have done and what they were told, for whoever judges. */
export class Receipts {
  readonly acknowledged: Acknowledged[] = [];
  /** Orders that somebody has wanted to end after they were paid for, whatever they were told. */
  readonly givenBack = new Set<string>();
}

export interface LoadOptions {
  url: string;
  chance: Chance;
  products: number[];
  customers?: number;
  /** To give money back by hand. */
  adminToken?: string;
}

/** Customers who shop all at once, each one thing after the other, until they are told to go home. */
export class Load {
  readonly receipts = new Receipts();
  private goingHome = false;
  private shopping: Promise<unknown> = Promise.resolve();

  private constructor(readonly client: Client) {}

  /** Everybody has an account, and has begun. */
  static async begin({ url, chance, products, customers = 8, adminToken }: LoadOptions): Promise<Load> {
    const client = new Client(url);
    const load = new Load(client);
    const shop = { client, receipts: load.receipts, products, adminToken };
    const everybody = await Promise.all(
      Array.from({ length: customers }, async (_, index) => {
        const token = await register(client, `${randomUUID()}@shop.example`);
        return new Customer(shop, token, chance.of(`customer ${index}`));
      }),
    );
    load.shopping = Promise.all(everybody.map((customer) => customer.shopUntil(() => load.goingHome)));
    // A failure is told by `end`; until then it must not end the test run.
    load.shopping.catch(() => undefined);
    return load;
  }

  /** Resolves when so many more definite answers have been given. */
  async answers(more: number): Promise<void> {
    const enough = this.client.answers + more;
    await eventually(() => this.client.answers >= enough, { within: 60_000, what: `${more} more answers` });
  }

  /** Everybody finishes what they are at, which may take repeating it, and goes home. */
  async end(): Promise<void> {
    this.goingHome = true;
    await this.shopping;
  }
}

/** A new customer. @returns an access token. */
export async function register(client: Client, email: string): Promise<string> {
  const body = { email, password: 'seven purple tractors hum', name: 'Ada' };
  const { status, body: answer } = await client.insist({ method: 'POST', path: '/auth/register', body });
  if (status !== 201) throw new Error(`not registered: ${JSON.stringify(answer)}`);
  return answer.access_token;
}

import { randomUUID } from 'node:crypto';
import type { Chance } from './chance.js';
import type { Answer, Call, Client } from './client.js';
import type { Acknowledged, Receipts } from './load.js';

const TOKENS = {
  tok_success: 12,
  tok_declined: 2,
  tok_insufficient_funds: 1,
  // Charged, and never answered, or answered 500, or late.
  tok_timeout: 1,
  tok_error: 1,
  tok_slow: 1,
  // Only when the customer says so on the provider's page.
  tok_pending: 1,
};
/** Somebody whose call was lost goes away, and never asks what became of it. */
const GIVES_UP = 0.25;
const CLICKS_TWICE = 0.15;

/** Where customers shop. */
export interface Shop {
  client: Client;
  receipts: Receipts;
  products: number[];
  adminToken?: string;
}

/** One person: puts things into the cart, checks out, orders, pays, cancels; repeats with the same key what was lost. */
export class Customer {
  /** Some wait for any answer, some hang up soon. */
  private readonly timeoutMs: number;

  constructor(
    private readonly shop: Shop,
    private readonly token: string,
    private readonly chance: Chance,
  ) {
    this.timeoutMs = 1_000 * chance.between(1, 10);
  }

  async shopUntil(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const wish = this.chance.oneOf({ checkout: 3, order: 2 });
      if (wish === 'checkout') await this.buyByCheckout();
      else await this.buyByOrder();
    }
  }

  private async buyByCheckout(): Promise<void> {
    for (const line of this.lines()) await this.insist('POST', '/cart/items', line);
    const answer = await this.click('/checkout', { payment_token: this.chance.oneOf(TOKENS) });
    if (answer?.body.status === 'COMPLETED') await this.perhapsGiveBack(answer.body.order_id);
    else if (answer?.body.status === 'PENDING') await this.decide(answer.body.payment);
    // Whatever has become of it: the next one begins with an empty cart.
    await this.insist('DELETE', '/cart');
  }

  private async buyByOrder(): Promise<void> {
    const answer = await this.click('/orders', { items: this.lines() });
    if (answer?.status !== 201) return;
    const orderId: string = answer.body.id;
    const next = this.chance.oneOf({ pay: 6, cancel: 2, leave: 1 });
    if (next === 'pay') await this.pay(orderId);
    else if (next === 'cancel') await this.cancel(orderId);
  }

  private async pay(orderId: string): Promise<void> {
    const path = `/orders/${orderId}/payments`;
    const first = await this.click(path, { payment_token: this.chance.oneOf(TOKENS) });
    const last = first?.body.status === 'failed' ? await this.click(path, {}) : first;
    if (last?.body.status === 'succeeded') await this.perhapsGiveBack(orderId);
    else if (last?.body.status === 'pending') await this.decide(last.body);
  }

  private async cancel(orderId: string): Promise<void> {
    this.shop.receipts.givenBack.add(orderId);
    await this.click(`/orders/${orderId}/cancel`, {});
  }

  private async perhapsGiveBack(orderId: string): Promise<void> {
    const wish = this.chance.oneOf({ keep: 8, cancel: 1, refund: 1 });
    if (wish === 'cancel') await this.cancel(orderId);
    if (wish === 'refund') await this.askForMoney(orderId);
  }

  private async askForMoney(orderId: string): Promise<void> {
    const { receipts, adminToken } = this.shop;
    if (!adminToken) return;
    receipts.givenBack.add(orderId);
    const body = { amount: 0.5, reason: 'a scratch' };
    await this.click(`/admin/orders/${orderId}/refund`, body, adminToken);
  }

  /** On the provider's page. */
  private async decide(payment: { confirmation_url?: string | null } | null): Promise<void> {
    const decision = this.chance.oneOf({ approve: 2, decline: 1, leave: 1 });
    if (!payment?.confirmation_url || decision === 'leave') return;
    const body = new URLSearchParams({ decision });
    await fetch(payment.confirmation_url, { method: 'POST', body, redirect: 'manual' }).catch(
      () => undefined,
    );
  }

  /** Makes a call under a key of its own, perhaps twice at once, and notes what was acknowledged. Null: gave up. */
  private async click(path: string, body: object, token = this.token): Promise<Answer | null> {
    const { timeoutMs } = this;
    const call: Call = { method: 'POST', path, body, token, timeoutMs, key: randomUUID() };
    const clicks = this.chance.happens(CLICKS_TWICE) ? 2 : 1;
    const givesUp = this.chance.happens(GIVES_UP);
    const { client } = this.shop;
    const tries = await Promise.all(Array.from({ length: clicks }, () => client.try(call)));
    for (const answer of tries) this.note(call, answer);
    const answer = tries.find((each) => each !== null) ?? null;
    if (answer || givesUp) return answer;
    const late = await client.insist(call);
    this.note(call, late);
    return late;
  }

  private note({ path, key }: Call, answer: Answer | null): void {
    if (!answer || answer.status >= 300) return;
    const { body } = answer;
    this.shop.receipts.acknowledged.push({ key: key as string, ...acknowledgementOf(path, body) });
  }

  private async insist(method: 'POST' | 'DELETE', path: string, body?: object): Promise<Answer> {
    const key = method === 'POST' ? randomUUID() : undefined;
    return this.shop.client.insist({ method, path, body, token: this.token, key });
  }

  private lines(): { product_id: number; quantity: number }[] {
    const { products } = this.shop;
    const first = this.chance.between(0, products.length - 1);
    const count = this.chance.between(1, 2);
    return Array.from({ length: count }, (_, index) => ({
      product_id: products[(first + index) % products.length] as number,
      quantity: this.chance.between(1, 3),
    }));
  }
}

/** What an answer of 2xx to this call has promised. */
function acknowledgementOf(path: string, body: any): Omit<Acknowledged, 'key'> {
  if (path === '/checkout') {
    const said = ({ COMPLETED: 'paid', FAILED: 'failed', PENDING: 'pending' } as const)[
      body.status as 'COMPLETED'
    ];
    return { said, order_id: body.order_id, total: body.total_price };
  }
  if (path.endsWith('/payments')) {
    const said = ({ succeeded: 'paid', failed: 'declined' } as const)[body.status as 'failed'] ?? 'pending';
    return { said, order_id: body.order_id, total: body.amount };
  }
  if (path.endsWith('/refund')) return { said: 'refunded', order_id: path.split('/')[3] as string };
  const said = path.endsWith('/cancel') ? 'cancelled' : 'placed';
  return { said, order_id: body.id, total: body.total_price, lines: linesOf(body.items) };
}

const linesOf = (items: { product_id: number; quantity: number }[]) =>
  items.map(({ product_id, quantity }) => ({ product_id, quantity }));

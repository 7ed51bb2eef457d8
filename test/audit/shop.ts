import { randomUUID } from 'node:crypto';
import request from 'supertest';
import { OrderLife } from '../../src/order/order-life.service.js';
import { DatabaseService } from '../../src/platform/database/database.service.js';
import type { TestApp, TestDatabase } from '../support/boot.js';
import { type GivenUser, givenApiKey, givenCustomer } from '../support/given.js';
import { givenDiscount } from '../support/given-benefits.js';

type Line = { product_id: number; quantity: number };

/** A customer who orders, pays and cancels, by the routes. */
export class Shopper {
  private constructor(
    private readonly app: TestApp,
    readonly user: GivenUser,
  ) {}

  static async arrive(app: TestApp): Promise<Shopper> {
    return new Shopper(app, await givenCustomer(app));
  }

  /** Somebody who is known already, such as an admin. */
  static of(app: TestApp, user: GivenUser): Shopper {
    return new Shopper(app, user);
  }

  /** @returns the order's id. */
  async order(items: Line[], body: object = {}): Promise<string> {
    return (await this.post('/orders', { items, ...body }, 201, randomUUID())).id;
  }

  /** @returns the order's id. */
  async checkout(items: Line[], body: object = {}): Promise<string> {
    for (const item of items) await this.post('/cart/items', item, 200);
    return (await this.post('/checkout', { idempotency_key: randomUUID(), ...body }, 200)).order_id;
  }

  async cancel(orderId: string): Promise<void> {
    await this.post(`/orders/${orderId}/cancel`, {}, 200);
  }

  async pay(orderId: string, body: object = {}): Promise<void> {
    await this.post(`/orders/${orderId}/payments`, body, 201, randomUUID());
  }

  /** Pays when the time to pay is over. */
  async payLate(orderId: string): Promise<void> {
    const body = { payment_token: 'tok_pending' };
    const { provider_payment_id: id, confirmation_url } = await this.post(
      `/orders/${orderId}/payments`,
      body,
      202,
    );
    await this.app.app.get(DatabaseService).transaction(async (tx) => {
      const lives = this.app.app.get(OrderLife);
      await lives.end(await lives.lock(orderId, tx), 'expired', 'not paid in time', tx);
    });
    const decision = new URLSearchParams({ decision: 'approve' });
    await fetch(confirmation_url, { method: 'POST', body: decision, redirect: 'manual' });
    const told = { type: 'notification', event: 'payment.succeeded', object: { id } };
    await this.post('/payments/webhooks/yookassa', told, 200);
  }

  /** A step that an admin takes with an order. */
  async onOrder(orderId: string, step: string, body: object = {}): Promise<void> {
    await this.post(`/admin/orders/${orderId}/${step}`, body, 200, randomUUID());
  }

  private async post(path: string, body: object, status: number, key?: string) {
    const call = request(this.app.url).post(`/api/v1${path}`).set(this.user.headers);
    const answer = await (key === undefined ? call : call.set('Idempotency-Key', key)).send(body);
    if (answer.status !== status) throw new Error(`${path}: ${answer.status} ${answer.text}`);
    return answer.body;
  }
}

/** Another system, which takes, holds and gives back, by its API key. */
class Warehouse {
  private constructor(
    private readonly app: TestApp,
    private readonly headers: Record<string, string>,
  ) {}

  static async connect(app: TestApp): Promise<Warehouse> {
    return new Warehouse(app, (await givenApiKey(app, 'inventory:write')).headers);
  }

  async post(path: string, body: object, status: number) {
    const answer = await request(this.app.url)
      .post(`/api/v1/inventory${path}`)
      .set({ ...this.headers, 'Idempotency-Key': randomUUID() })
      .send(body);
    if (answer.status !== status) throw new Error(`${path}: ${answer.status} ${answer.text}`);
    return answer.body;
  }
}

/** Ids of orders, by what has become of them. */
export interface Orders {
  pending: string;
  cancelled: string;
  paid: string;
  failed: string;
  /** Declined once, and then paid. */
  declined: string;
  /** Pending, with the use of a code and 100 points. */
  discounted: string;
  /** Cancelled, with the use of the same code and 200 points that came back. */
  undiscounted: string;
  /** Shipped; one of its three pieces has come back, and its price was refunded. */
  returned: string;
  /** Expired, and then paid. */
  revived: string;
  /** Paid, and then cancelled. */
  undone: string;
}

/** Orders, payments, cancellations, and all that other systems may do to the stock. */
export async function givenBusyShop(app: TestApp, admin: GivenUser, database: TestDatabase): Promise<Orders> {
  await doInventory(await Warehouse.connect(app));
  const ada = await Shopper.arrive(app);
  const laptop = { product_id: 1, quantity: 2 };
  const mouse = { product_id: 2, quantity: 3 };
  const paid = await ada.checkout([laptop, mouse]);
  const failed = await ada.checkout([mouse], { payment_token: 'tok_declined' });
  const pending = await ada.order([laptop, { product_id: 3, quantity: 1 }]);
  const cancelled = await ada.order([laptop]);
  await ada.cancel(cancelled);
  const declined = await ada.order([mouse]);
  await ada.pay(declined, { payment_token: 'tok_declined' });
  await ada.pay(declined);
  const discount_code = await givenDiscount(database, { code: 'AUDIT10', usage_limit: 1 });
  const undiscounted = await ada.order([mouse], { discount_code, redeem_points: 200 });
  await ada.cancel(undiscounted);
  const discounted = await ada.order([mouse], { discount_code, redeem_points: 100 });
  const returned = await ada.order([mouse]);
  await ada.pay(returned);
  const grace = Shopper.of(app, admin);
  await grace.onOrder(returned, 'ship');
  await grace.onOrder(returned, 'return', { items: [{ product_id: 2, quantity: 1, sellable: true }] });
  await grace.onOrder(returned, 'refund', { amount: 29.99, reason: 'sent back' });
  const revived = await ada.order([mouse]);
  await ada.payLate(revived);
  const undone = await ada.order([mouse]);
  await ada.pay(undone);
  await ada.cancel(undone);
  return {
    pending,
    cancelled,
    paid,
    failed,
    declined,
    discounted,
    undiscounted,
    returned,
    revived,
    undone,
  };
}

async function doInventory(warehouse: Warehouse): Promise<void> {
  const some = (quantity: number) => [
    { product_id: 1, quantity },
    { product_id: 4, quantity },
  ];
  await warehouse.post('/decrement', { order_id: 'wms-1', items: some(3) }, 200);
  await warehouse.post('/decrement', { order_id: 'wms-2', items: some(3) }, 200);
  await warehouse.post('/rollback', { order_id: 'wms-2', items: [{ product_id: 4, quantity: 1 }] }, 200);
  await warehouse.post('/rollback', { order_id: 'wms-2' }, 200);
  await warehouse.post('/rollback', { order_id: 'wms-3' }, 200);
  const held = await warehouse.post('/reservations', { order_id: 'wms-4', items: some(2) }, 201);
  await warehouse.post(`/reservations/${held.id}/release`, { reason: 'not wanted' }, 200);
  const sold = await warehouse.post('/reservations', { order_id: 'wms-5', items: some(1) }, 201);
  await warehouse.post(`/reservations/${sold.id}/confirm`, {}, 200);
  await warehouse.post('/reservations', { order_id: 'wms-6', items: some(1) }, 201);
  await warehouse.post('/movements', { product_id: 4, type: 'in', quantity: 5 }, 201);
  await warehouse.post('/movements', { product_id: 4, type: 'out', quantity: 1 }, 201);
  await warehouse.post('/bulk', { items: [{ product_id: 4, quantity: 80 }] }, 200);
  await warehouse.post('/bulk', { items: [{ product_id: 4, quantity: 80 }] }, 200);
}

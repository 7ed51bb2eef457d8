import { RecoveryService } from '../../src/checkout/recovery.service.js';
import { OverdueHolds } from '../../src/inventory/overdue-holds.service.js';
import type { Charge } from '../../src/payment/gateway/payment-gateway.js';
import { PaymentGateways } from '../../src/payment/gateway/payment-gateways.js';
import { PaymentService } from '../../src/payment/payment.service.js';
import type { Payment } from '../../src/payment/payment.types.js';
import { BY_HAND } from '../inventory/holds.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { GivenProvider } from '../support/given-provider.js';
import {
  type Answer,
  givenAdminShopper,
  givenCart,
  givenHoldIsOver,
  givenProduct,
  givenShopper,
  type Shopper,
} from '../support/given-shop.js';
import { expectAuditClean, expectPromisesKept } from '../support/promises.js';

export interface Sale {
  ada: Shopper;
  id: string;
  product_id: number;
}

type Wanted = { price?: number; quantity?: number; stock?: number };

/** A shop of two instances on one database, with an admin and a provider that behaves as a test wants. Nothing runs by itself. */
export class Till {
  private constructor(
    readonly provider: GivenProvider,
    readonly database: TestDatabase,
    readonly settings: Record<string, string>,
    readonly one: TestApp,
    readonly other: TestApp,
    readonly admin: Shopper,
  ) {}

  static async open(more: Record<string, string> = {}): Promise<Till> {
    const provider = await GivenProvider.open();
    const database = await cloneDatabase();
    const settings = { ...provider.settings, ...BY_HAND, ...more };
    const [one, other] = await Promise.all([bootApp(database, settings), bootApp(database, settings)]);
    return new Till(provider, database, settings, one, other, await givenAdminShopper(one, database));
  }

  /** Everything that happened has kept every promise. */
  async close(): Promise<void> {
    try {
      await expectPromisesKept(this.database);
      await expectAuditClean(this.one);
    } finally {
      await Promise.all([this.one.close(), this.other.close()]);
      await this.provider.close();
      await this.database.drop();
    }
  }

  /** What earlier tests have left open is not asked about any more, and the provider behaves as it should. */
  async begin(): Promise<void> {
    this.provider.reset();
    for (const table of ['payments', 'refunds'])
      await this.database.sql(`UPDATE ${table} SET next_check_at = now() + interval '1 day'`);
  }

  recover({ app }: TestApp = this.one): Promise<number> {
    return app.get(RecoveryService).recover();
  }

  /** The database's clock comes to when this order's payments and refunds are asked about next; nobody is at them. */
  async givenIsDue(orderId: string): Promise<void> {
    for (const table of ['payments', 'refunds'])
      await this.database.sql(
        `UPDATE ${table} SET next_check_at = now(), busy_until = NULL WHERE order_id = $1`,
        [orderId],
      );
  }

  /** So much time has gone by since this order's payments or refunds were noted. */
  async givenAge(table: 'payments' | 'refunds', orderId: string, hours: number): Promise<void> {
    await this.database.sql(
      `UPDATE ${table} SET created_at = created_at - $2 * interval '1 hour' WHERE order_id = $1`,
      [orderId, hours],
    );
  }

  /** The order came to nothing so long ago. */
  async givenEndedAgo(orderId: string, minutes: number): Promise<void> {
    await this.database.sql(`UPDATE orders SET updated_at = now() - $2 * interval '1 minute' WHERE id = $1`, [
      orderId,
      minutes,
    ]);
  }

  attempts(orderId: string): Promise<Payment[]> {
    return this.one.app.get(PaymentService).ofOrder(orderId);
  }

  /** The very request of the order's newest attempt, sent past the service. */
  async sendLate(orderId: string): Promise<{ charge: Charge }> {
    const attempt = (await this.attempts(orderId)).at(-1) as Payment;
    return { charge: await this.one.app.get(PaymentGateways).current.charge(attempt.request) };
  }

  async order({ price = 10, quantity = 1, stock = 10 }: Wanted = {}, members: object = {}): Promise<Sale> {
    const product_id = await givenProduct(this.database, { price, stock });
    const ada = await givenShopper(this.one);
    return { ada, product_id, id: (await ada.order([{ product_id, quantity }], members)).id };
  }

  async paidOrder(wanted: Wanted = {}): Promise<Sale> {
    const sale = await this.order(wanted);
    expect((await sale.ada.pay(sale.id)).body.status).toBe('succeeded');
    return sale;
  }

  /** An order whose money an admin has taken by hand. */
  async orderPaidByHand(wanted: Wanted = {}): Promise<Sale> {
    const sale = await this.order(wanted, { payment_method: 'cod' });
    expect((await this.onOrder(sale.id, 'confirm-payment')).status).toBe(200);
    return sale;
  }

  /** An order whose customer is at the provider's page. */
  async orderAtThePage(wanted: Wanted = {}): Promise<Sale & { page: string }> {
    const sale = await this.order(wanted);
    const { body } = await sale.ada.pay(sale.id, { payment_token: 'tok_pending' });
    return { ...sale, page: body.confirmation_url };
  }

  /** A cart that was checked out, whose customer is at the provider's page. */
  async checkoutAtThePage({
    price = 10,
    quantity = 1,
    stock = 10,
  }: Wanted = {}): Promise<Sale & { page: string }> {
    const product_id = await givenProduct(this.database, { price, stock });
    const ada = await givenCart(this.one, { product_id, quantity });
    const { body } = await ada.checkout({ payment_token: 'tok_pending' });
    return { ada, product_id, id: body.order_id, page: body.payment.confirmation_url };
  }

  /** The time to pay has gone by, and the provider was asked: nothing is paid. */
  async expire(orderId: string): Promise<void> {
    await givenHoldIsOver(this.database, orderId);
    await this.givenIsDue(orderId);
    await this.recover();
    await this.one.app.get(OverdueHolds).sweep();
  }

  /** The money arrives: the customer pays, and the provider is asked. */
  async receive(orderId: string, page: string): Promise<void> {
    await this.provider.decide(page, 'approve');
    await this.settle(orderId);
  }

  /** Asks the provider about whatever of this order is open, and then about what has followed from that. */
  async settle(orderId: string): Promise<void> {
    await this.givenIsDue(orderId);
    await this.recover();
    await this.givenIsDue(orderId);
    await this.recover();
  }

  /** A step that an admin takes with an order. */
  onOrder(orderId: string, step: string, body?: unknown, key?: string): Promise<Answer> {
    return this.admin.send('POST', `/admin/orders/${orderId}/${step}`, { body, key });
  }

  refund(orderId: string, members: object = {}, key?: string): Promise<Answer> {
    return this.onOrder(orderId, 'refund', { reason: 'arrived broken', ...members }, key);
  }

  async refunds(orderId: string): Promise<any[]> {
    return (await this.admin.send('GET', `/admin/orders/${orderId}/refunds`)).body.refunds;
  }

  /** The order as its owner sees it. */
  async orderOf({ ada, id }: Sale): Promise<any> {
    return (await ada.get(id)).body;
  }

  /** What the history tells: each entry's status and reason. */
  async historyOf(sale: Sale): Promise<[string, string | null][]> {
    const { history } = await this.orderOf(sale);
    return history.map(({ status, reason }: { status: string; reason: string | null }) => [status, reason]);
  }

  /** The events of an order, by type. */
  async told(orderId: string): Promise<string[]> {
    const rows = await this.database.sql(
      `SELECT type FROM events WHERE data->>'order_id' = $1 ORDER BY type`,
      [orderId],
    );
    return rows.map(({ type }) => type);
  }
}

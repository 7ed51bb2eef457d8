import type { TestDatabase } from '../support/boot.js';
import { eventually } from '../support/eventually.js';
import type { Account, GatewayProcess } from './gateway-process.js';
import type { Acknowledged, Receipts } from './load.js';

const SETTLED_WITHIN_MS = 30_000;
const PAID = ['paid', 'shipped', 'delivered'];

interface Row {
  id: string;
  status: string;
  payment_status: string;
  total_minor: number;
  /** Its goods are held, and their time is not over. */
  held: boolean;
  lines: { product_id: number; quantity: number }[];
  payments: { status: string; provider: string; refunded_minor: number }[];
}

const ORDERS = `
  SELECT o.id, o.status, o.payment_status, o.total_price_minor AS total_minor,
         EXISTS (SELECT FROM reservations r
                 WHERE r.order_id = o.id AND r.status = 'active' AND r.expires_at > now()) AS held,
         (SELECT jsonb_agg(jsonb_build_object('product_id', product_id, 'quantity', quantity) ORDER BY position)
          FROM order_lines WHERE order_id = o.id) AS lines,
         (SELECT coalesce(jsonb_agg(jsonb_build_object('status', status, 'provider', provider,
                                                       'refunded_minor', refunded_minor) ORDER BY attempt), '[]')
          FROM payments WHERE order_id = o.id) AS payments
  FROM orders o ORDER BY o.id`;

/**
 * Judges a run by what is on record: the tables, the provider's own ledger, and what the clients were told. Every method
 * answers sentences, each about one thing that is wrong.
 */
export class Verdict {
  constructor(
    private readonly database: TestDatabase,
    private readonly gateway: GatewayProcess,
  ) {}

  /** Waits until nothing is pending without a reason, for half a minute at most. @returns what still is. */
  async stuck(withinMs = SETTLED_WITHIN_MS): Promise<string[]> {
    let left: string[] = [];
    const isSettled = async () => {
      left = await this.pendingWithoutReason();
      return left.length === 0;
    };
    await eventually(isSettled, { within: withinMs }).catch(() => undefined);
    return left;
  }

  /** What waits for nobody but the service. */
  async pendingWithoutReason(): Promise<string[]> {
    const accounts = await this.gateway.accounts();
    const orders = (await this.orders()).flatMap((order) => whyPending(order, accounts.get(order.id)));
    const refunds = (await this.refunds())
      .filter(({ status }) => status !== 'succeeded' && status !== 'failed')
      .map(({ order_id, status }) => `a refund of order ${order_id} is ${status}`);
    const [events] = await this.database.sql<{ count: number }>(
      'SELECT count(*) AS count FROM events_undispatched',
    );
    const untold = events?.count ? [`${events.count} events are handed on to nobody`] : [];
    return [...orders, ...refunds, ...untold];
  }

  /** What the provider's ledger and our tables say of money that they should not. */
  async wrongMoney(): Promise<string[]> {
    const accounts = await this.gateway.accounts();
    const orders = await this.orders();
    const known = new Set(orders.map(({ id }) => id));
    const refunds = await this.refunds();
    return [
      ...[...accounts.keys()]
        .filter((id) => !known.has(id))
        .map((id) => `order ${id} is charged and unknown`),
      ...orders.flatMap((order) => {
        const refundedMinor = refunds
          .filter(({ order_id, status }) => order_id === order.id && status === 'succeeded')
          .reduce((sum, { amount_minor }) => sum + amount_minor, 0);
        const account = accounts.get(order.id) ?? NOTHING;
        return [...wrongCaptures(order, account), ...wrongRefunds(order, account, refundedMinor)];
      }),
    ];
  }

  /** What a client was told and is not so. */
  async brokenWord({ acknowledged, givenBack }: Receipts): Promise<string[]> {
    const orders = new Map((await this.orders()).map((order) => [order.id, order]));
    const byKey = new Map<string, string>();
    return acknowledged.flatMap((told) => {
      const first = byKey.get(told.key) ?? told.order_id;
      byKey.set(told.key, first);
      const sentences = first === told.order_id ? [] : [`key ${told.key} made ${first} and ${told.order_id}`];
      return [...sentences, ...untrue(told, orders.get(told.order_id), givenBack.has(told.order_id))];
    });
  }

  private orders(): Promise<Row[]> {
    return this.database.sql<Row>(ORDERS);
  }

  private async refunds(): Promise<{ order_id: string; status: string; amount_minor: number }[]> {
    const [table] = await this.database.sql<{ found: boolean }>(
      "SELECT to_regclass('refunds') IS NOT NULL AS found",
    );
    return table?.found ? this.database.sql('SELECT order_id, status, amount_minor FROM refunds') : [];
  }
}

const NOTHING: Account = { captures: 0, capturedMinor: 0, refundedMinor: 0, waiting: false, keys: [] };

function whyPending({ id, status, payment_status, held, payments }: Row, account = NOTHING): string[] {
  const isLive = payments.some((payment) => payment.status === 'pending' || payment.status === 'unknown');
  // The customer has not been on the provider's page yet.
  if (isLive) return account.waiting ? [] : [`order ${id} is ${status}, and its payment is not settled`];
  if (status !== 'pending') return [];
  if (payment_status === 'processing') return [`order ${id} is processing, and nobody is at it`];
  return held ? [] : [`order ${id} is pending, and holds nothing`];
}

function wrongCaptures({ id, status, total_minor, payments }: Row, account: Account): string[] {
  const { captures, capturedMinor, refundedMinor } = account;
  const succeeded = payments.filter(
    (payment) => payment.status === 'succeeded' && payment.provider !== 'manual',
  );
  const sentences: string[] = [];
  if (captures > 1) sentences.push(`order ${id} was charged ${captures} times`);
  if (captures !== succeeded.length)
    sentences.push(`order ${id} was charged ${captures} times and has ${succeeded.length} captured payments`);
  const isPaid = PAID.includes(status);
  if (isPaid && capturedMinor !== total_minor)
    sentences.push(`order ${id} is ${status} for ${total_minor} and was charged ${capturedMinor}`);
  if (!isPaid && capturedMinor !== refundedMinor)
    sentences.push(`order ${id} is ${status} and keeps ${capturedMinor - refundedMinor}`);
  return sentences;
}

function wrongRefunds({ id, payments }: Row, { refundedMinor }: Account, recordedMinor: number): string[] {
  const notedMinor = payments.reduce((sum, payment) => sum + payment.refunded_minor, 0);
  if (refundedMinor === notedMinor && (recordedMinor === 0 || recordedMinor === notedMinor)) return [];
  return [`order ${id}: ${refundedMinor} went back, ${notedMinor} is noted, ${recordedMinor} recorded`];
}

function untrue(told: Acknowledged, order: Row | undefined, givenBack: boolean): string[] {
  const what = `order ${told.order_id}, told to be ${told.said},`;
  if (!order) return [`${what} is gone`];
  const sentences: string[] = [];
  if (told.total !== undefined && Math.round(told.total * 100) !== order.total_minor)
    sentences.push(`${what} was to cost ${told.total} and costs ${order.total_minor / 100}`);
  if (told.lines && inWords(told.lines) !== inWords(order.lines))
    sentences.push(`${what} had ${inWords(told.lines)} and has ${inWords(order.lines)}`);
  if (!IS_SO[told.said](order, givenBack))
    sentences.push(`${what} is ${order.status}, with payments ${JSON.stringify(order.payments)}`);
  return sentences;
}

const inWords = (lines: Row['lines']) =>
  lines.map(({ product_id, quantity }) => `${quantity} of ${product_id}`).join(', ');

const has = ({ payments }: Row, status: string) => payments.some((payment) => payment.status === status);

/** Whether an order may stand as it does after this was told of it. */
const IS_SO: Record<Acknowledged['said'], (order: Row, givenBack: boolean) => boolean> = {
  placed: () => true,
  pending: () => true,
  paid: (order, givenBack) =>
    has(order, 'succeeded') && (PAID.includes(order.status) || (givenBack && order.status === 'cancelled')),
  declined: (order) => has(order, 'failed'),
  failed: ({ status }) => status === 'failed',
  cancelled: ({ status }) => status === 'cancelled',
  refunded: ({ payments }) => payments.some(({ refunded_minor }) => refunded_minor > 0),
};

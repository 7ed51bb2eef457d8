import { randomUUID } from 'node:crypto';
import { type Sale, Till } from '../checkout/till.js';
import { times } from '../support/barrier.js';
import {
  type Answer,
  countOf,
  expectProblem,
  givenProduct,
  movementsOf,
  stockOf,
} from '../support/given-shop.js';

let till: Till;

beforeAll(async () => {
  till = await Till.open();
});
beforeEach(() => till.begin());
afterAll(() => till.close());

const UNKNOWN = '01939b1e-7c1a-7000-8000-3f3f1a2b4c5d';

const back = (id: string, items: object[], members: object = {}, key?: string): Promise<Answer> =>
  till.onOrder(id, 'return', { items, ...members }, key);

const piece = (product_id: number, quantity = 1, sellable = true) => ({ product_id, quantity, sellable });

async function givenShipped(wanted: { quantity?: number } = {}) {
  const sale = await till.orderPaidByHand(wanted);
  expect((await till.onOrder(sale.id, 'ship')).status).toBe(200);
  return sale;
}

describe('shipping', () => {
  it('sends a paid order on its way, with its tracking number', async () => {
    const sale = await till.orderPaidByHand();
    const before = await till.orderOf(sale);
    const { status, body } = await till.onOrder(sale.id, 'ship', { tracking_number: '1Z999' });
    expect(status).toBe(200);
    expect(body).toEqual({
      ...before,
      status: 'shipped',
      tracking_number: '1Z999',
      history: [
        ...before.history,
        { status: 'shipped', reason: 'tracking number 1Z999', at: body.updated_at },
      ],
      updated_at: expect.any(String),
    });
    expect(await till.orderOf(sale)).toEqual(body);
    expect(await stockOf(till.database, sale.product_id)).toBe(9);
  });

  it('needs neither number nor body', async () => {
    for (const body of [undefined, {}, { tracking_number: null }]) {
      const { id } = await till.orderPaidByHand();
      const answer = await till.onOrder(id, 'ship', body);
      expect([answer.status, answer.body.tracking_number]).toEqual([200, null]);
      expect(answer.body.history.at(-1)).toMatchObject({ status: 'shipped', reason: null });
    }
  });

  it('and delivering are told once each, however often they are asked for', async () => {
    const sale = await till.orderPaidByHand();
    const first = await till.onOrder(sale.id, 'ship', {}, 'a-key');
    const again = await till.onOrder(sale.id, 'ship', {}, 'a-key');
    expect([again.body, again.headers['idempotent-replayed']]).toEqual([first.body, 'true']);
    const text = 'an order that is shipped cannot be shipped';
    expectProblem(await till.onOrder(sale.id, 'ship'), 409, 'order_not_shippable', text);
    const delivered = await till.onOrder(sale.id, 'deliver', undefined, 'a-key');
    expect([delivered.status, delivered.body.status]).toEqual([200, 'delivered']);
    expect((await till.onOrder(sale.id, 'deliver', undefined, 'a-key')).body).toEqual(delivered.body);
    expectProblem(await till.onOrder(sale.id, 'deliver'), 409, 'order_not_deliverable');
    const told = await till.told(sale.id);
    expect(told.filter((type) => /shipped|delivered/.test(type))).toEqual([
      'order.delivered',
      'order.shipped',
    ]);
  });

  it('ten times at once happens once', async () => {
    const { id } = await till.orderPaidByHand();
    const answers = await times(10, (index) =>
      till.admin.at(index % 2 ? till.one : till.other).send('POST', `/admin/orders/${id}/ship`),
    );
    expect([countOf(answers, 200), countOf(answers, 409)]).toEqual([1, 9]);
    expect((await till.told(id)).filter((type) => type === 'order.shipped')).toHaveLength(1);
  });

  it('is 409 for an order all of whose money went back, and not for a part of it', async () => {
    const [whole, part] = [await till.orderPaidByHand(), await till.orderPaidByHand()];
    await till.refund(whole.id);
    await till.refund(part.id, { amount: 9.99 });
    const text = 'an order that is refunded cannot be shipped';
    expectProblem(await till.onOrder(whole.id, 'ship'), 409, 'order_not_shippable', text);
    expect((await till.onOrder(part.id, 'ship')).status).toBe(200);
  });

  it.each<[string, object]>([
    ['tracking_number must be between 1 and 100 characters', { tracking_number: '' }],
    ['tracking_number must be between 1 and 100 characters', { tracking_number: 'x'.repeat(101) }],
    ['status is not a known member', { status: 'delivered' }],
  ])('is 400: %s', async (text, body) => {
    const { id } = await till.orderPaidByHand();
    expectProblem(await till.onOrder(id, 'ship', body), 400, 'validation_failed', text);
  });
});

describe('the way of an order', () => {
  const STEPS: [string, string, (id: string, product_id: number) => Promise<Answer>][] = [
    ['ship', 'order_not_shippable', (id) => till.onOrder(id, 'ship')],
    ['deliver', 'order_not_deliverable', (id) => till.onOrder(id, 'deliver')],
    ['return', 'order_not_returnable', (id, product_id) => back(id, [piece(product_id)])],
    ['cancel', 'order_not_cancellable', (id) => till.onOrder(id, 'cancel')],
    ['pay', 'order_not_payable', (id) => till.onOrder(id, 'confirm-payment')],
  ];
  const givenPaidAndShipped = async () => {
    const sale = await till.paidOrder();
    await till.onOrder(sale.id, 'ship');
    return sale;
  };
  const STANDS: Record<string, () => Promise<Sale>> = {
    pending: () => till.order(),
    paid: () => till.paidOrder(),
    shipped: givenPaidAndShipped,
    delivered: async () => {
      const sale = await givenPaidAndShipped();
      await till.onOrder(sale.id, 'deliver');
      return sale;
    },
    expired: async () => {
      const sale = await till.order();
      await till.expire(sale.id);
      return sale;
    },
    cancelled: async () => {
      const sale = await till.order();
      await sale.ada.cancel(sale.id);
      return sale;
    },
    failed: async () => {
      const sale = await till.checkoutAtThePage();
      await till.provider.decide(sale.page, 'decline');
      await till.settle(sale.id);
      return sale;
    },
  };
  /** What may be done with an order that stands so; everything else is a conflict. A second cancel is no step. */
  const LEGAL: Record<string, string[]> = {
    pending: ['cancel'],
    paid: ['ship', 'cancel'],
    shipped: ['deliver', 'return'],
    delivered: ['return'],
    expired: [],
    cancelled: ['cancel'],
    failed: [],
  };
  const pairs = Object.entries(STANDS).flatMap(([from, given]) =>
    STEPS.map(([step, code, take]) => ({ from, given, step, code, take })),
  );

  it.each(pairs.filter(({ from, step }) => !LEGAL[from]?.includes(step)))(
    'does not lead from $from by $step',
    async ({ from, given, code, take }) => {
      const { id, product_id } = await given();
      const [before, stock] = [
        (await till.admin.send('GET', `/admin/orders/${id}`)).body,
        await stockOf(till.database, product_id),
      ];
      expect(before.status).toBe(from);
      expectProblem(await take(id, product_id), 409, code);
      expect((await till.admin.send('GET', `/admin/orders/${id}`)).body).toEqual(before);
      expect(await stockOf(till.database, product_id)).toBe(stock);
    },
  );

  it.each(pairs.filter(({ from, step }) => LEGAL[from]?.includes(step)))(
    'leads from $from by $step',
    async ({ given, take }) => {
      const { id, product_id } = await given();
      expect((await take(id, product_id)).status).toBe(200);
    },
  );

  it('is for admins only, and for orders that there are', async () => {
    const { ada, id, product_id } = await till.orderPaidByHand();
    const body = { items: [piece(product_id)] };
    for (const step of ['ship', 'deliver', 'return', 'cancel', 'refund', 'confirm-payment']) {
      expectProblem(await ada.send('POST', `/admin/orders/${id}/${step}`, { body }), 403, 'forbidden');
    }
    for (const step of ['ship', 'deliver', 'cancel', 'confirm-payment'])
      expectProblem(await till.onOrder(UNKNOWN, step), 404, 'not_found', 'order not found');
    expectProblem(await back(UNKNOWN, [piece(1)]), 404, 'not_found', 'order not found');
    expectProblem(await back('7', [piece(1)]), 400, 'validation_failed');
  });
});

describe('goods that come back', () => {
  it('are in stock again when they are sellable, and only then; no money moves', async () => {
    const sale = await givenShipped({ quantity: 5 });
    const { status, body } = await back(
      sale.id,
      [piece(sale.product_id, 2), piece(sale.product_id, 1, false), piece(sale.product_id, 1)],
      { reason: 'did not fit' },
    );
    expect(status).toBe(200);
    expect(body).toMatchObject({ status: 'shipped', payment_status: 'paid' });
    const text = `returned 3 × product ${sale.product_id}, 1 × product ${sale.product_id} (damaged): did not fit`;
    expect(body.history.at(-1)).toEqual({ status: 'shipped', reason: text, at: body.updated_at });
    expect(await stockOf(till.database, sale.product_id)).toBe(8);
    expect(await movementsOf(till.database, sale.product_id)).toEqual([
      { kind: 'taken', delta: -5, stock_after: 5, order_ref: sale.id },
      { kind: 'restocked', delta: 3, stock_after: 8, order_ref: sale.id },
    ]);
    const { movements } = (
      await till.admin.send('GET', `/inventory/movements?product_id=${sale.product_id}&type=restocked`)
    ).body;
    expect(movements).toMatchObject([{ type: 'restocked', reason: 'did not fit', order_id: sale.id }]);
    expect(await till.refunds(sale.id)).toEqual([]);
  });

  it('come in parts, from a delivered order as well, until all are back', async () => {
    const sale = await givenShipped({ quantity: 3 });
    expect((await back(sale.id, [piece(sale.product_id)])).status).toBe(200);
    await till.onOrder(sale.id, 'deliver');
    expect((await back(sale.id, [piece(sale.product_id, 1, false)])).status).toBe(200);
    const tooMany = await back(sale.id, [piece(sale.product_id, 2)]);
    const text = `more is returned than was sold of product ${sale.product_id}`;
    expectProblem(tooMany, 409, 'return_too_large', text);
    expect(tooMany.body.items).toEqual([{ product_id: sale.product_id, requested: 2, returnable: 1 }]);
    expect((await back(sale.id, [piece(sale.product_id)])).status).toBe(200);
    expectProblem(await back(sale.id, [piece(sale.product_id)]), 409, 'return_too_large');
    expect(await stockOf(till.database, sale.product_id)).toBe(9);
    const rounds = await till.database.sql(
      `SELECT round, delta FROM stock_movements WHERE order_ref = $1 AND kind = 'restocked' ORDER BY id`,
      [sale.id],
    );
    expect(rounds).toEqual([
      { round: 1, delta: 1 },
      { round: 3, delta: 1 },
    ]);
  });

  it('are all or none: one product too many, and nothing is taken back', async () => {
    const other = await givenProduct(till.database);
    const sale = await givenShipped({ quantity: 3 });
    const answer = await back(sale.id, [piece(sale.product_id), piece(other), piece(2_147_483_647)]);
    expectProblem(answer, 409, 'return_too_large');
    expect(answer.body.items).toEqual([
      { product_id: other, requested: 1, returnable: 0 },
      { product_id: 2_147_483_647, requested: 1, returnable: 0 },
    ]);
    expect(await stockOf(till.database, sale.product_id)).toBe(7);
    expect((await back(sale.id, [piece(sale.product_id, 3)])).status).toBe(200);
  });

  it('are counted together, sellable and damaged', async () => {
    const sale = await givenShipped({ quantity: 3 });
    const items = [piece(sale.product_id, 2), piece(sale.product_id, 2, false)];
    expectProblem(await back(sale.id, items), 409, 'return_too_large');
  });

  it('with a key come back once', async () => {
    const sale = await givenShipped({ quantity: 3 });
    const key = randomUUID();
    const first = await back(sale.id, [piece(sale.product_id)], {}, key);
    const again = await back(sale.id, [piece(sale.product_id)], {}, key);
    expect([again.body, again.headers['idempotent-replayed']]).toEqual([first.body, 'true']);
    expectProblem(await back(sale.id, [piece(sale.product_id, 2)], {}, key), 422, 'idempotency_key_reused');
    expect(await stockOf(till.database, sale.product_id)).toBe(8);
  });

  it('of a product that is archived by now are counted, too', async () => {
    const sale = await givenShipped({ quantity: 2 });
    await till.admin.send('DELETE', `/products/${sale.product_id}`);
    expect((await back(sale.id, [piece(sale.product_id, 2)])).status).toBe(200);
    expect(await stockOf(till.database, sale.product_id)).toBe(10);
  });

  it.each<[string, object]>([
    ['items must not be empty', { items: [] }],
    ['items must be a list', { items: 'all' }],
    ['quantity must be between 1 and 100000', { items: [piece(1, 0)] }],
    ['quantity must be between 1 and 100000', { items: [piece(1, -1)] }],
    ['sellable must be true or false', { items: [{ product_id: 1, quantity: 1 }] }],
    ['sellable must be true or false', { items: [{ ...piece(1), sellable: 'yes' }] }],
    ['reason must be between 1 and 500 characters', { items: [piece(1)], reason: '' }],
  ])('are 400: %s', async (text, body) => {
    const { id } = await givenShipped();
    const answer = await till.onOrder(id, 'return', body);
    expectProblem(answer, 400, 'validation_failed');
    expect(answer.body.errors.map(({ message }: { message: string }) => message)).toContain(text);
  });
});

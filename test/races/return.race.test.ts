import { OrderRepository } from '../../src/order/order.repository.js';
import { Till } from '../checkout/till.js';
import { meeting, times } from '../support/barrier.js';
import { bootApp, cloneDatabase } from '../support/boot.js';
import {
  countOf,
  givenAdminShopper,
  givenProduct,
  givenShopper,
  type Shopper,
  stockOf,
} from '../support/given-shop.js';

let till: Till;

beforeAll(async () => {
  till = await Till.open();
});
afterAll(() => till.close());

const back = (admin: Shopper, id: string, product_id: number) =>
  admin.send('POST', `/admin/orders/${id}/return`, {
    body: { items: [{ product_id, quantity: 1, sellable: true }] },
  });

describe('ten simultaneous returns', () => {
  it('of the last piece are one; the others are 409', async () => {
    const { id, product_id } = await till.orderPaidByHand({ quantity: 3 });
    await till.onOrder(id, 'ship');
    for (let early = 0; early < 2; early++) expect((await back(till.admin, id, product_id)).status).toBe(200);
    const answers = await times(10, (index) =>
      back(till.admin.at(index % 2 ? till.one : till.other), id, product_id),
    );
    expect(countOf(answers, 200)).toBe(1);
    for (const { status, body } of answers)
      if (status !== 200) expect([status, body.code]).toEqual([409, 'return_too_large']);
    expect(await stockOf(till.database, product_id)).toBe(10);
  });

  it('of five pieces are five', async () => {
    const { id, product_id } = await till.orderPaidByHand({ quantity: 5 });
    await till.onOrder(id, 'ship');
    const answers = await times(10, (index) =>
      back(till.admin.at(index % 2 ? till.one : till.other), id, product_id),
    );
    expect([countOf(answers, 200), countOf(answers, 409)]).toEqual([5, 5]);
    expect(await stockOf(till.database, product_id)).toBe(10);
  });
});

describe('with a guard taken away', () => {
  /** Five returns of the one piece that was sold, without the order's lock. @returns the stock after, of 10. */
  async function returnWithoutLock(): Promise<number> {
    const unguarded = await cloneDatabase();
    await unguarded.sql('ALTER TABLE order_returns DROP CONSTRAINT order_returns_pkey');
    await unguarded.sql('DROP INDEX stock_movements_once');
    let allHaveLooked: (() => Promise<void>) | null = null;
    const app = await bootApp(unguarded, till.settings, (nest) => {
      const repository = nest.get(OrderRepository);
      const lock = repository.lock.bind(repository);
      repository.lock = async (id, tx) => {
        if (!allHaveLooked) return lock(id, tx);
        const [order] = await repository.findAll([id], tx);
        return order ?? null;
      };
      const findReturnable = repository.findReturnable.bind(repository);
      repository.findReturnable = async (id, tx) => {
        const lines = await findReturnable(id, tx);
        await allHaveLooked?.();
        return lines;
      };
    });
    const admin = await givenAdminShopper(app, unguarded);
    const ada = await givenShopper(app);
    const product_id = await givenProduct(unguarded, { stock: 10 });
    const { id } = await ada.order([{ product_id, quantity: 1 }], { payment_method: 'cod' });
    for (const step of ['confirm-payment', 'ship'])
      expect((await admin.send('POST', `/admin/orders/${id}/${step}`)).status).toBe(200);
    allHaveLooked = meeting(5);
    await times(5, () => back(admin, id, product_id));
    const stock = await stockOf(unguarded, product_id);
    await app.close();
    await unguarded.drop();
    return stock;
  }

  it('one piece comes back five times: no lock, and returns are not numbered', async () => {
    expect(await returnWithoutLock()).toBe(14);
  });
});

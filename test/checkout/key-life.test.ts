import {
  actsAndDropsTheConnection,
  dropsTheConnection,
  fine,
  hasForgottenKeys,
  says,
} from '../support/given-provider.js';
import { Till } from './till.js';

let till: Till;

beforeAll(async () => {
  till = await Till.open();
});
beforeEach(() => till.begin());
afterAll(() => till.close());

/** Addresses that were read, without their queries. */
const read = () =>
  till.provider.asked.filter(({ method }) => method === 'GET').map(({ path }) => path.split('?')[0]);

describe('a payment that is older than the provider remembers its key', () => {
  it('is looked for before it is sent again: what it has charged is found, and nothing is charged', async () => {
    const sale = await till.order();
    till.provider.mood = actsAndDropsTheConnection;
    await sale.ada.pay(sale.id);
    till.provider.reset();
    till.provider.mood = hasForgottenKeys;
    await till.givenAge('payments', sale.id, 25);
    await till.settle(sale.id);
    expect((await till.orderOf(sale)).status).toBe('paid');
    expect(read()).toEqual(['/v3/payments']);
    expect(till.provider.posts()).toEqual([]);
    expect(await till.provider.moneyOf(sale.id)).toMatchObject({ captures: 1, captured: 10 });
  });

  it('is sent, once, when the provider has nothing', async () => {
    const sale = await till.order();
    till.provider.mood = dropsTheConnection;
    await sale.ada.pay(sale.id);
    till.provider.reset();
    await till.givenAge('payments', sale.id, 25);
    await till.settle(sale.id);
    expect((await till.orderOf(sale)).status).toBe('paid');
    expect(till.provider.asked.map(({ method }) => method)).toEqual(['GET', 'POST']);
    expect(await till.provider.moneyOf(sale.id)).toMatchObject({ captures: 1 });
  });

  it('is not sent while the provider cannot say what it has', async () => {
    const sale = await till.order();
    till.provider.mood = actsAndDropsTheConnection;
    await sale.ada.pay(sale.id);
    till.provider.reset();
    till.provider.mood = says(500, '{"type":"error","code":"internal_server_error"}');
    await till.givenAge('payments', sale.id, 25);
    await till.settle(sale.id);
    expect(await sale.ada.payments(sale.id)).toMatchObject([{ status: 'unknown' }]);
    expect(till.provider.posts()).toEqual([]);
    till.provider.mood = hasForgottenKeys;
    await till.settle(sale.id);
    expect(await till.provider.moneyOf(sale.id)).toMatchObject({ captures: 1 });
  });

  it('would be charged twice if it were not looked for', async () => {
    const sale = await till.order();
    till.provider.mood = actsAndDropsTheConnection;
    await sale.ada.pay(sale.id);
    // Guard off: to us it is still young.
    till.provider.mood = hasForgottenKeys;
    await till.settle(sale.id);
    expect(await till.provider.moneyOf(sale.id)).toMatchObject({ captures: 2 });
  });

  it('is not looked for before that: its key is enough', async () => {
    const sale = await till.order();
    till.provider.mood = actsAndDropsTheConnection;
    await sale.ada.pay(sale.id);
    till.provider.reset();
    await till.givenAge('payments', sale.id, 22);
    await till.settle(sale.id);
    expect(till.provider.asked.map(({ method }) => method)).toEqual(['POST']);
    expect(await till.provider.moneyOf(sale.id)).toMatchObject({ captures: 1 });
  });
});

describe('a refund that is older than the provider remembers its key', () => {
  it('is looked for before it is made again: what was given back is found', async () => {
    const sale = await till.paidOrder({ price: 10 });
    till.provider.mood = actsAndDropsTheConnection;
    await till.refund(sale.id, { amount: 4 });
    till.provider.reset();
    till.provider.mood = hasForgottenKeys;
    await till.givenAge('refunds', sale.id, 25);
    await till.settle(sale.id);
    expect(await till.refunds(sale.id)).toMatchObject([{ status: 'succeeded', amount: 4 }]);
    expect(read()).toEqual(['/v3/refunds']);
    expect(till.provider.posts()).toEqual([]);
    expect(await till.provider.moneyOf(sale.id)).toMatchObject({ refunded: 4 });
  });

  it('is told from another of the same amount', async () => {
    const sale = await till.paidOrder({ price: 10 });
    await till.refund(sale.id, { amount: 4 });
    till.provider.mood = dropsTheConnection;
    await till.refund(sale.id, { amount: 4 });
    till.provider.mood = fine;
    await till.givenAge('refunds', sale.id, 25);
    await till.settle(sale.id);
    expect((await till.refunds(sale.id)).map(({ status }) => status)).toEqual(['succeeded', 'succeeded']);
    expect(await till.provider.moneyOf(sale.id)).toMatchObject({ refunded: 8 });
  });

  it('would be made twice if it were not looked for', async () => {
    const sale = await till.paidOrder({ price: 10 });
    till.provider.mood = actsAndDropsTheConnection;
    await till.refund(sale.id, { amount: 4 });
    till.provider.mood = hasForgottenKeys;
    await till.settle(sale.id);
    expect(await till.provider.moneyOf(sale.id)).toMatchObject({ refunded: 8 });
  });
});

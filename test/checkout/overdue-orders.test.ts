import { RecoveryService } from '../../src/checkout/recovery.service.js';
import { OverdueHolds } from '../../src/inventory/overdue-holds.service.js';
import { OrderExpiryService } from '../../src/order/order-expiry.service.js';
import { BY_HAND, Client, Tables } from '../inventory/holds.js';
import { credentials, SandboxFixture, Shop } from '../payment/given-sandbox.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { givenAdmin, givenCustomer } from '../support/given.js';

const sandbox = new SandboxFixture();
const settingsOf = (gatewayUrl: string) => ({
  ...BY_HAND,
  YOOKASSA_API_URL: gatewayUrl,
  YOOKASSA_SHOP_ID: credentials.shopId,
  YOOKASSA_SECRET_KEY: credentials.secretKey,
  PAYMENT_TIMEOUT_MS: '500',
});

let database: TestDatabase;
let tables: Tables;
let app: TestApp;
let shop: Shop;
let customer: Client;

beforeAll(async () => {
  await sandbox.prepare();
  const gateway = await sandbox.start({ pendingMs: 3_600_000 });
  shop = new Shop(gateway.url);
  database = await cloneDatabase();
  tables = new Tables(database);
  app = await bootApp(database, settingsOf(gateway.url));
});
beforeEach(async () => {
  customer = new Client(app, (await givenCustomer(app)).headers);
});
afterAll(async () => {
  expect(await tables.ledgerIsRight()).toBe(true);
  await app.close();
  await database.drop();
  await sandbox.cleanUp();
});

const sweep = () => app.app.get(OverdueHolds).sweep();
const recover = () => app.app.get(RecoveryService).recover();
const orderOf = async (id: string) => (await customer.send('GET', `/orders/${id}`)).body;

/** An order whose customer is at the provider's page, asked about until the next time is a minute away, and then overdue. */
async function givenRedirectedOverdue() {
  const product_id = await tables.product(1);
  const { body: order } = await customer.order([{ product_id, quantity: 1 }]);
  const { status, body: payment } = await customer.send('POST', `/orders/${order.id}/payments`, {
    payment_token: 'tok_pending',
  });
  expect([status, payment.status]).toEqual([202, 'pending']);
  await recover();
  expect(await recover()).toBe(0);
  await tables.runOut([order.id]);
  return { order, product_id, page: payment.confirmation_url as string };
}

describe('an order whose payment is under way when its time passes', () => {
  it('is not ended by the sweep before the provider was asked', async () => {
    const { order } = await givenRedirectedOverdue();
    expect(await sweep()).toBe(0);
    expect((await orderOf(order.id)).status).toBe('pending');
  });

  it('is asked about for who needs its goods, and ends when it is not paid', async () => {
    const { order, product_id } = await givenRedirectedOverdue();
    expect((await customer.order([{ product_id, quantity: 1 }])).status).toBe(201);
    expect((await orderOf(order.id)).status).toBe('expired');
    expect(await tables.stock(product_id)).toBe(0);
  });

  it('is asked about for another system that needs its goods', async () => {
    const { order, product_id } = await givenRedirectedOverdue();
    const admin = new Client(app, (await givenAdmin(app, database)).headers);
    const body = { order_id: `till-${order.id.slice(0, 20)}`, items: [{ product_id, quantity: 1 }] };
    expect((await admin.send('POST', '/inventory/decrement', body)).status).toBe(200);
    expect((await orderOf(order.id)).status).toBe('expired');
  });

  it('keeps its goods from who needs them when the provider says that it is paid', async () => {
    const { order, product_id, page } = await givenRedirectedOverdue();
    await shop.decide(page, 'approve');
    const other = await customer.order([{ product_id, quantity: 1 }]);
    expect([other.status, other.body.code]).toEqual([409, 'insufficient_stock']);
    expect((await orderOf(order.id)).status).toBe('paid');
  });

  it('is asked about at once, and once, and ends when the customer has not paid by then', async () => {
    const { order, product_id } = await givenRedirectedOverdue();
    expect(await recover()).toBe(1);
    expect(await recover()).toBe(0);
    expect(await orderOf(order.id)).toMatchObject({
      status: 'expired',
      payment_status: 'processing',
      reservation: { status: 'expired' },
    });
    expect(await tables.stock(product_id)).toBe(1);
  });

  it('is paid when it was', async () => {
    const { order, product_id, page } = await givenRedirectedOverdue();
    await shop.decide(page, 'approve');
    await recover();
    expect(await orderOf(order.id)).toMatchObject({ status: 'paid', reservation: { status: 'fulfilled' } });
    expect(await sweep()).toBe(0);
    expect(await tables.stock(product_id)).toBe(0);
    expect((await shop.ledger(order.id)).captures).toBe(1);
  });

  it('ends when it was declined', async () => {
    const { order, product_id, page } = await givenRedirectedOverdue();
    await shop.decide(page, 'decline');
    await recover();
    expect(await sweep()).toBe(0);
    expect(await orderOf(order.id)).toMatchObject({ status: 'expired', payment_status: 'failed' });
    expect(await tables.stock(product_id)).toBe(1);
  });

  it('stays, and is asked about again, while the provider cannot say', async () => {
    const product_id = await tables.product(1);
    const { body: order } = await customer.order([{ product_id, quantity: 1 }]);
    const { body: payment } = await customer.send('POST', `/orders/${order.id}/payments`, {
      payment_token: 'tok_timeout',
    });
    expect(payment.status).toBe('unknown');
    await tables.runOut([order.id]);
    expect(await sweep()).toBe(0);
    expect((await orderOf(order.id)).status).toBe('pending');
    // The charge had gone through; the same key finds it.
    expect(await recover()).toBe(1);
    expect((await orderOf(order.id)).status).toBe('paid');
    expect((await shop.ledger(order.id)).captures).toBe(1);
  });

  it('is paid for without its goods when it is ended all the same, and the money goes back', async () => {
    const { order, product_id, page } = await givenRedirectedOverdue();
    // Guard off: what may still be paid is taken for overdue.
    const ender = app.app.get(OrderExpiryService);
    const { lockOverdue } = ender;
    ender.lockOverdue = async (ids) => ids;
    const { id } = await tables.hold(order.id);
    await app.app.get(OverdueHolds).endOne({ id, order_ref: order.id, order_id: order.id });
    ender.lockOverdue = lockOverdue;
    expect((await customer.order([{ product_id, quantity: 1 }])).status).toBe(201);
    await shop.decide(page, 'approve');
    await database.sql('UPDATE payments SET next_check_at = now() WHERE order_id = $1', [order.id]);
    await recover();
    expect(await orderOf(order.id)).toMatchObject({ status: 'expired', payment_status: 'refunded' });
    expect((await shop.ledger(order.id)).captures).toBe(1);
  });
});

describe('a checkout whose customer never comes back', () => {
  it('ends when the provider gives the payment up', async () => {
    const impatient = await sandbox.start({ pendingMs: 1, ledgerFile: `${sandbox.ledgerFile}.impatient` });
    const other = await bootApp(database, settingsOf(impatient.url));
    const buyer = new Client(other, (await givenCustomer(other)).headers);
    const product_id = await tables.product(1);
    await buyer.send('POST', '/cart/items', { product_id, quantity: 1 });
    const checkout = { idempotency_key: 'k', payment_token: 'tok_pending' };
    const { body } = await buyer.send('POST', '/checkout', checkout);
    expect(body.status).toBe('PENDING');
    await tables.runOut([body.order_id]);
    await other.app.get(RecoveryService).recover();
    const { body: order } = await buyer.send('GET', `/orders/${body.order_id}`);
    expect([order.status, order.payment_status]).toEqual(['failed', 'failed']);
    expect(order.history.at(-1).reason).toBe('The payment was not confirmed in time.');
    expect(await tables.stock(product_id)).toBe(1);
    await other.close();
  });
});

import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { eventually } from '../support/eventually.js';
import { givenProduct, givenShopper, type Shopper } from '../support/given-shop.js';
import { expectPromisesKept } from '../support/promises.js';
import { SECRET_KEY, StripeServer } from './stripe/stripe-server.js';

describe('a shop that charges through Stripe', () => {
  const stripe = new StripeServer();
  let database: TestDatabase;
  let app: TestApp;
  let ada: Shopper;

  beforeAll(async () => {
    await stripe.start();
    database = await cloneDatabase();
    app = await bootApp(database, {
      PAYMENT_PROVIDER: 'stripe',
      STRIPE_SECRET_KEY: SECRET_KEY,
      STRIPE_WEBHOOK_SECRET: 'whsec_only_for_tests',
      STRIPE_API_URL: stripe.url,
      PAYMENT_RECOVERY_SECONDS: '1',
    });
    ada = await givenShopper(app);
  });
  afterAll(async () => {
    await app.close();
    await database.drop();
    await stripe.stop();
  });

  const givenOrder = async (): Promise<string> =>
    (await ada.order([{ product_id: await givenProduct(database), quantity: 1 }])).id;

  it("is paid at once, with the provider's name on it", async () => {
    const orderId = await givenOrder();
    const { status, body } = await ada.pay(orderId, { payment_token: 'pm_card_visa' });
    expect(status).toBe(201);
    expect(body).toMatchObject({ status: 'succeeded', provider: 'stripe' });
    expect(stripe.ledger.intent(body.provider_payment_id)).toMatchObject({
      amount: 1000,
      metadata: { order_id: orderId, idempotency_key: `order-${orderId}-payment` },
    });
    expect((await ada.get(orderId)).body).toMatchObject({ status: 'paid' });
  });

  it('can be paid again after a decline, and only once', async () => {
    const orderId = await givenOrder();
    const declined = await ada.pay(orderId, { payment_token: 'pm_card_chargeDeclined' });
    expect(declined.body).toMatchObject({ status: 'failed', failure_code: 'generic_decline' });
    const paid = await ada.pay(orderId, { payment_token: 'pm_card_visa' });
    expect(paid.body).toMatchObject({ status: 'succeeded', attempt: 2 });
    stripe.ledger.payElsewhere(declined.body.provider_payment_id);
    expect(stripe.ledger.captures(orderId)).toBe(1);
  });

  it('is paid, once, when nobody has heard of its charge and the repeat is refused', async () => {
    const orderId = await givenOrder();
    stripe.isSilent = true;
    expect((await ada.pay(orderId, { payment_token: 'pm_card_visa' })).body.status).toBe('unknown');
    stripe.refusesAll = true;
    stripe.isSilent = false;
    await eventually(async () => (await ada.get(orderId)).body.status === 'paid');
    stripe.refusesAll = false;
    expect(await ada.payments(orderId)).toMatchObject([{ status: 'succeeded', attempt: 1 }]);
    expect(stripe.ledger.captures(orderId)).toBe(1);
  });

  it('gives money back once when nobody has heard of it and the repeat is refused', async () => {
    const orderId = await givenOrder();
    const { provider_payment_id } = (await ada.pay(orderId, { payment_token: 'pm_card_visa' })).body;
    stripe.isSilent = true;
    expect((await ada.cancel(orderId)).body).toMatchObject({ status: 'cancelled', payment_status: 'paid' });
    stripe.refusesAll = true;
    stripe.isSilent = false;
    await eventually(async () => (await ada.get(orderId)).body.payment_status === 'refunded');
    stripe.refusesAll = false;
    expect(stripe.ledger.refundedOf(provider_payment_id)).toBe(1000);
    expect(stripe.received.filter(({ line }) => line === 'GET /v1/refunds')).not.toHaveLength(0);
  });

  it('sends its customer to the bank, and notices what was decided there', async () => {
    const orderId = await givenOrder();
    const { status, body } = await ada.pay(orderId, { payment_token: 'pm_card_threeDSecure2Required' });
    expect(status).toBe(202);
    expect(body).toMatchObject({ status: 'pending', confirmation_url: expect.stringContaining(stripe.url) });
    stripe.ledger.decide(body.provider_payment_id, 'approve');
    await eventually(async () => (await ada.get(orderId)).body.status === 'paid');
    await expectPromisesKept(database);
  });
});

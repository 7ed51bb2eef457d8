import type { ChargeRequest } from '../../src/payment/gateway/payment-gateway.js';
import { OutcomeUnknown, type PaymentGateway } from '../../src/payment/gateway/payment-gateway.js';
import { StripeProvider } from './given-providers.js';
import { givenCharge as aCharge, givenRefund } from './given-requests.js';
import { readForm } from './stripe/stripe-form.js';

const HOUR_SECONDS = 3_600;

/** What only Stripe does; what every provider does is in the contract. */
describe('the Stripe adapter', () => {
  const provider = new StripeProvider();
  let gateway: PaymentGateway;

  beforeEach(async () => {
    await provider.start();
    gateway = provider.gateway();
  });
  afterEach(() => provider.stop());

  const givenCharge = (overrides: Partial<ChargeRequest> = {}) =>
    aCharge({ payment_token: provider.tokens.succeeds, ...overrides });
  const declining = givenCharge({ payment_token: 'pm_card_chargeDeclined' });

  const lines = () => provider.server.received.map(({ line }) => line);
  const intents = () => provider.server.ledger.allIntents();
  const isUnknown = (call: Promise<unknown>) => expect(call).rejects.toBeInstanceOf(OutcomeUnknown);

  describe('sends', () => {
    it('one request, which creates and confirms, under the key of the attempt', async () => {
      await gateway.charge(givenCharge());
      await gateway.charge(givenCharge());
      const [first, second] = provider.server.received;
      expect(lines()).toEqual(['POST /v1/payment_intents', 'POST /v1/payment_intents']);
      expect(first?.headers).toMatchObject({
        'idempotency-key': 'order-1-payment',
        'stripe-version': expect.stringMatching(/^20/),
      });
      expect(readForm(first?.text ?? '')).toEqual({
        amount: '1234',
        currency: 'usd',
        capture_method: 'automatic',
        description: 'Order 1',
        confirm: 'true',
        payment_method: 'pm_card_visa',
        payment_method_types: { 0: 'card' },
        return_url: 'https://shop.example/thanks',
        metadata: { order_id: '1', idempotency_key: 'order-1-payment' },
      });
      expect(second?.text).toBe(first?.text);
    });

    it.each(['e_wallet', 'bank_transfer', 'installment'])(
      'no type of payment for %s: which there are is up to the account',
      async (payment_method) => {
        await gateway.charge(givenCharge({ payment_method }));
        const form = readForm(provider.server.received[0]?.text ?? '');
        expect(form).toMatchObject({ automatic_payment_methods: { enabled: 'true' } });
        expect(form).not.toHaveProperty('payment_method_types');
      },
    );

    it("an intent that waits for the shop's page when there is no token", async () => {
      const charge = await gateway.charge(givenCharge({ payment_token: null }));
      expect(charge).toEqual({
        status: 'pending',
        provider_payment_id: expect.any(String),
        confirmation_url: null,
      });
      const form = readForm(provider.server.received[0]?.text ?? '');
      expect(form).toMatchObject({ automatic_payment_methods: { enabled: 'true' } });
      for (const member of ['confirm', 'return_url', 'payment_method'])
        expect(form).not.toHaveProperty(member);
      provider.server.ledger.payElsewhere(charge.provider_payment_id as string);
      expect(await gateway.charge(givenCharge({ payment_token: null }))).toMatchObject({
        status: 'succeeded',
      });
    });

    it('a refund with our words where the shop sees them', async () => {
      const { provider_payment_id } = await gateway.charge(givenCharge());
      const reason = `${'x'.repeat(499)}😀 and more`;
      await gateway.refund(givenRefund(provider_payment_id as string, { reason }));
      const { text, headers } = provider.server.received.at(-1) ?? {};
      expect(headers).toMatchObject({ 'idempotency-key': 'order-1-refund-1' });
      expect(readForm(text ?? '')).toEqual({
        payment_intent: provider_payment_id,
        amount: '500',
        metadata: { order_id: '1', idempotency_key: 'order-1-refund-1', reason: 'x'.repeat(499) },
      });
    });

    it('amounts in the minor units that Stripe gives the currency', async () => {
      const charge = await gateway.charge(givenCharge({ currency: 'HUF', amount_minor: 4990 }));
      expect(intents()[0]).toMatchObject({ amount: 499_000, currency: 'huf' });
      expect(await gateway.find(charge.provider_payment_id as string)).toMatchObject({
        amount_minor: 4990,
        currency: 'HUF',
      });
    });
  });

  describe('a decline', () => {
    it.each([
      ['pm_card_chargeDeclined', 'generic_decline'],
      ['pm_card_chargeDeclinedInsufficientFunds', 'insufficient_funds'],
      ['pm_card_chargeDeclinedExpiredCard', 'expired_card'],
    ])('of %s is %s, and nobody can pay its intent any more', async (payment_token, failure_code) => {
      const charge = await gateway.charge(givenCharge({ payment_token }));
      expect(charge).toMatchObject({
        status: 'failed',
        failure_code,
        failure_reason: 'Your card was declined.',
      });
      expect(intents()).toMatchObject([{ id: charge.provider_payment_id, status: 'canceled' }]);
      provider.server.ledger.payElsewhere(charge.provider_payment_id as string);
      expect(await provider.captures('1')).toBe(0);
    });

    it('whose intent may not have been cancelled is unknown, until it is', async () => {
      provider.road.next('none', 'lost');
      await isUnknown(gateway.charge(declining));
      expect(intents()).toMatchObject([{ status: 'requires_payment_method' }]);
      provider.road.next('none', 'reset');
      await isUnknown(gateway.charge(declining));
      expect(intents()).toMatchObject([{ status: 'canceled' }]);
      expect(await gateway.charge(declining)).toMatchObject({
        status: 'failed',
        failure_code: 'generic_decline',
      });
    });

    it('that somebody has paid after all is paid', async () => {
      provider.road.next('none', 'lost');
      await isUnknown(gateway.charge(declining));
      const id = intents()[0]?.id as string;
      provider.server.ledger.payElsewhere(id);
      expect(await gateway.charge(declining)).toEqual({ status: 'succeeded', provider_payment_id: id });
    });

    it("on the bank's page is made final by whoever looks first", async () => {
      const asking = givenCharge({ payment_token: 'pm_card_threeDSecure2Required' });
      const begun = new Date();
      const { provider_payment_id: id } = await gateway.charge(asking);
      provider.server.ledger.decide(id as string, 'decline');
      provider.road.next('none', 'lost');
      await isUnknown(gateway.find(id as string));
      const failed = {
        status: 'failed',
        provider_payment_id: id,
        failure_code: 'payment_intent_authentication_failure',
        failure_reason: 'The customer said no.',
      };
      expect(await gateway.findByRequest(asking, begun)).toEqual(failed);
      expect(intents()).toMatchObject([{ status: 'canceled' }]);
      expect(await gateway.charge(asking)).toEqual(failed);
    });

    it('takes the time of one call, with all that belongs to it', async () => {
      provider.road.next('none', 'silence');
      const startedAtMs = performance.now();
      await expect(provider.gateway(600).charge(declining)).rejects.toThrow('no answer within 600 ms');
      expect(performance.now() - startedAtMs).toBeLessThan(1_100);
    });
  });

  it('cancels what its customer has left for a day, and not before', async () => {
    const { provider_payment_id } = await gateway.charge(
      givenCharge({ payment_token: 'pm_card_threeDSecure2Required' }),
    );
    const id = provider_payment_id as string;
    const intent = provider.server.ledger.intent(id);
    intent.created -= 23 * HOUR_SECONDS;
    expect((await gateway.find(id))?.charge.status).toBe('pending');
    intent.created -= 2 * HOUR_SECONDS;
    expect((await gateway.find(id))?.charge).toEqual({
      status: 'failed',
      provider_payment_id: id,
      failure_code: 'expired_on_confirmation',
      failure_reason: 'The payment was not confirmed in time.',
    });
    expect(intent.status).toBe('canceled');
  });

  it('waits for a bank for as long as it takes', async () => {
    const { provider_payment_id } = await gateway.charge(givenCharge({ payment_token: 'pm_usBankAccount' }));
    const id = provider_payment_id as string;
    provider.server.ledger.intent(id).created -= 100 * HOUR_SECONDS;
    expect((await gateway.find(id))?.charge).toEqual({
      status: 'pending',
      provider_payment_id: id,
      confirmation_url: null,
    });
  });

  it('tells that somebody else has cancelled', async () => {
    const { provider_payment_id: id } = await gateway.charge(givenCharge({ payment_token: null }));
    provider.server.ledger.cancel(id as string, { cancellation_reason: 'fraudulent' });
    expect((await gateway.find(id as string))?.charge).toMatchObject({
      status: 'failed',
      failure_code: 'fraudulent',
      failure_reason: 'The payment was cancelled.',
    });
  });

  describe('a fault that Stripe repeats for as long as it knows the key', () => {
    beforeEach(() => {
      provider.server.failsAfter = (path) => ['/v1/payment_intents', '/v1/refunds'].includes(path);
    });

    it('is unknown at first; later the search finds what was charged', async () => {
      await isUnknown(gateway.charge(givenCharge()));
      expect(await gateway.charge(givenCharge())).toMatchObject({ status: 'succeeded' });
      expect(await provider.captures('1')).toBe(1);
    });

    it('stays unknown while the search is behind', async () => {
      provider.server.isSearchBehind = true;
      await isUnknown(gateway.charge(givenCharge()));
      await isUnknown(gateway.charge(givenCharge()));
      expect(lines().at(-1)).toBe('GET /v1/payment_intents/search');
      provider.server.isSearchBehind = false;
      expect(await gateway.charge(givenCharge())).toMatchObject({ status: 'succeeded' });
    });

    it('does not make a decline of a payment that could still be made', async () => {
      await isUnknown(gateway.charge(declining));
      expect(await gateway.charge(declining)).toMatchObject({ status: 'failed' });
      expect(intents()).toMatchObject([{ status: 'canceled' }]);
    });

    it('is unknown at first; later the list finds what was given back', async () => {
      provider.server.failsAfter = (path) => path === '/v1/refunds';
      const { provider_payment_id } = await gateway.charge(givenCharge());
      const request = givenRefund(provider_payment_id as string);
      await isUnknown(gateway.refund(request));
      expect(await gateway.refund(request)).toMatchObject({ status: 'succeeded' });
      expect(await provider.refundedMinor(provider_payment_id as string)).toBe(500);
    });
  });

  it('does not know the outcome of a charge whose key is in use', async () => {
    provider.server.occupy('order-1-payment');
    await isUnknown(gateway.charge(givenCharge()));
    provider.server.occupy('order-1-refund-1');
    await isUnknown(gateway.refund(givenRefund('pi_1')));
  });

  it('reads back a refund that was not through at first', async () => {
    const { provider_payment_id } = await gateway.charge(givenCharge());
    const request = givenRefund(provider_payment_id as string);
    const refund = await gateway.refund(request);
    const booked = provider.server.ledger.oneRefund(refund.provider_refund_id as string);
    for (const [status, seen] of [
      ['pending', 'pending'],
      ['requires_action', 'pending'],
      ['succeeded', 'succeeded'],
    ]) {
      booked.status = status as string;
      expect(await gateway.findRefund(booked.id)).toEqual({ status: seen, provider_refund_id: booked.id });
    }
    booked.status = 'failed';
    expect(await gateway.findRefundByRequest(request, new Date())).toEqual({
      status: 'failed',
      provider_refund_id: booked.id,
      failure_code: 'failed',
      failure_reason: 'The refund was declined (failed).',
    });
  });
});

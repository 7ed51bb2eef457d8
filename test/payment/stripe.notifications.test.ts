import Stripe from 'stripe';
import { NotificationRefused } from '../../src/payment/gateway/payment-gateway.js';
import { StripeGateway } from '../../src/payment/gateway/stripe.gateway.js';

const secret = 'whsec_only_for_tests';
const sdk = new Stripe('sk_test_1');

describe("Stripe's notifications", () => {
  const gateway = givenGateway(secret);

  function givenGateway(webhookSecret: string): StripeGateway {
    return new StripeGateway({
      secretKey: 'sk_test_1',
      webhookSecret,
      apiUrl: 'http://127.0.0.1:1',
      timeoutMs: 100,
    });
  }

  const givenEvent = (
    type = 'payment_intent.succeeded',
    object: object = { object: 'payment_intent', id: 'pi_1' },
  ) => JSON.stringify({ object: 'event', id: 'evt_1', type, data: { object } });

  /** The header that Stripe would send with this body, `ageSeconds` ago. */
  function signed(payload: string, { by = secret, ageSeconds = 0 } = {}) {
    const timestamp = Math.floor(Date.now() / 1_000) - ageSeconds;
    const header = sdk.webhooks.generateTestHeaderString({ payload, secret: by, timestamp });
    return { 'stripe-signature': header };
  }

  const read = (body: string, headers: Record<string, string> = signed(body)) =>
    gateway.readNotification(Buffer.from(body), headers);

  function refusalOf(work: () => unknown): string {
    try {
      work();
    } catch (error) {
      expect(error).toBeInstanceOf(NotificationRefused);
      const { message, cause } = error as Error;
      expect(cause).toBeUndefined();
      expect(message).not.toContain(secret);
      return message;
    }
    throw new Error('It was believed.');
  }

  it.each(['payment_intent.succeeded', 'payment_intent.payment_failed', 'payment_intent.canceled'])(
    'reads %s as about a payment',
    (type) => {
      expect(read(givenEvent(type))).toEqual({
        about: 'payment',
        type,
        provider_payment_id: 'pi_1',
        event_id: 'evt_1',
      });
    },
  );

  it.each([
    ['refund.created', { object: 'refund', id: 're_1' }],
    ['refund.updated', { object: 'refund', id: 're_1' }],
    ['refund.failed', { object: 'refund', id: 're_1' }],
    ['charge.refund.updated', { object: 'refund', id: 're_1' }],
    ['charge.refunded', { object: 'charge', id: 'ch_1', refunds: { data: [{ id: 're_1' }] } }],
  ])('reads %s %j as about a refund', (type, object) => {
    expect(read(givenEvent(type, object))).toEqual({
      about: 'refund',
      type,
      provider_refund_id: 're_1',
      event_id: 'evt_1',
    });
  });

  it.each([
    ['charge.refunded', { object: 'charge', id: 'ch_1' }],
    ['charge.succeeded', { object: 'charge', id: 'ch_1' }],
    ['payment_intent.succeeded', { object: 'charge', id: 'ch_1' }],
    ['customer.created', { object: 'customer', id: 'cus_1' }],
  ])('passes over %s %j', (type, object) => {
    expect(read(givenEvent(type, object))).toEqual({ about: 'something else', type });
  });

  it('reads a body with any characters, byte for byte', () => {
    const body = JSON.stringify({ ...JSON.parse(givenEvent()), note: 'naïve 😀 \u2028' }, null, 2);
    expect(read(body)).toMatchObject({ provider_payment_id: 'pi_1' });
  });

  it('believes a header with a signature of an older secret beside ours', () => {
    const body = givenEvent();
    const { 'stripe-signature': ours } = signed(body);
    const { 'stripe-signature': older } = signed(body, { by: 'whsec_older' });
    const headers = { 'stripe-signature': `${ours},${older.split(',')[1]}` };
    expect(read(body, headers)).toMatchObject({ about: 'payment' });
  });

  it('believes what is nearly five minutes old, and nothing older', () => {
    const body = givenEvent();
    expect(read(body, signed(body, { ageSeconds: 290 }))).toMatchObject({ about: 'payment' });
    expect(refusalOf(() => read(body, signed(body, { ageSeconds: 310 })))).toContain('too old');
  });

  it('refuses another secret, a changed body, a changed time, and no signature at all', () => {
    const body = givenEvent();
    const { 'stripe-signature': header } = signed(body);
    const later = header.replace(/^t=(\d+)/, (_, seconds) => `t=${Number(seconds) + 1}`);
    for (const work of [
      () => read(body, signed(body, { by: 'whsec_another' })),
      () => read(body.replace('pi_1', 'pi_2'), { 'stripe-signature': header }),
      () => read(`${body} `, { 'stripe-signature': header }),
      () => read(body, { 'stripe-signature': later }),
      () => read(body, { 'stripe-signature': 'nonsense' }),
      () => read(body, { 'stripe-signature': header.replace('v1=', 'v0=') }),
      () => read(body, { 'stripe-signature': '' }),
      () => read(body, {}),
      () => read('', signed('')),
    ]) {
      refusalOf(work);
    }
  });

  it('looks at the signature before it reads anything', () => {
    expect(refusalOf(() => read('{"not":', signed('other')))).toContain('signature');
    expect(refusalOf(() => read('{"not":'))).toBe('it cannot be read');
  });

  it.each([
    '[]',
    '{}',
    'null',
    '{"object":"v2.core.event"}',
    givenEvent('payment_intent.succeeded', { object: 'payment_intent' }),
    givenEvent('payment_intent.succeeded', { object: 'payment_intent', id: '../accounts' }),
    givenEvent('<b>'),
  ])('refuses what is signed and still no event: %s', (body) => {
    refusalOf(() => read(body));
  });

  it('believes nothing while there is no secret', () => {
    const body = givenEvent();
    const unset = givenGateway('');
    refusalOf(() => unset.readNotification(Buffer.from(body), signed(body, { by: '' })));
  });
});

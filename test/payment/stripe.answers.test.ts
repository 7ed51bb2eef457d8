import {
  ListMissing,
  OutcomeUnknown,
  type PaymentGateway,
} from '../../src/payment/gateway/payment-gateway.js';
import { StripeGateway } from '../../src/payment/gateway/stripe.gateway.js';
import { fromStripeAmount, toStripeAmount, whyNotInStripe } from '../../src/payment/gateway/stripe-amount.js';
import { givenCharge as aCharge, givenRefund } from './given-requests.js';
import { OddProvider } from './odd-provider.js';
import { SECRET_KEY } from './stripe/stripe-server.js';

const timeoutMs = 400;
const token = 'pm_that_nobody_may_read';

describe('the Stripe adapter with a provider that answers oddly', () => {
  const provider = new OddProvider();
  let gateway: PaymentGateway;

  beforeEach(async () => {
    await provider.start();
    gateway = new StripeGateway({
      apiUrl: provider.origin,
      secretKey: SECRET_KEY,
      webhookSecret: 'whsec_1',
      timeoutMs,
    });
  });
  afterEach(() => provider.stop());

  const givenCharge = () => aCharge({ payment_token: token });
  const intent = {
    object: 'payment_intent',
    id: 'pi_1',
    status: 'succeeded',
    amount: 1234,
    amount_received: 1234,
    currency: 'usd',
    created: Math.floor(Date.now() / 1_000),
    metadata: { order_id: '1', idempotency_key: 'order-1-payment' },
    last_payment_error: null,
    next_action: null,
    cancellation_reason: null,
  };
  const refund = {
    object: 'refund',
    id: 're_1',
    status: 'succeeded',
    amount: 500,
    currency: 'usd',
    payment_intent: 'pi_1',
    metadata: { order_id: '1', idempotency_key: 'order-1-refund-1' },
  };
  const says = (error: object) => ({ error: { message: `No: ${token} ${SECRET_KEY}`, ...error } });
  const cardError = (more = {}) => says({ type: 'card_error', code: 'card_declined', ...more });
  const invalid = (more = {}) => says({ type: 'invalid_request_error', ...more });

  async function isUnknown(call: Promise<unknown>): Promise<string> {
    const error: unknown = await call.then(
      (answer) => answer,
      (thrown) => thrown,
    );
    expect(error).toBeInstanceOf(OutcomeUnknown);
    const { message, stack, cause } = error as Error;
    expect(cause).toBeUndefined();
    for (const secret of [token, SECRET_KEY]) expect(`${message} ${stack}`).not.toContain(secret);
    return message;
  }

  it.each([
    [200, {}],
    [200, []],
    [200, '1'],
    [200, 'null'],
    [200, '{"id":"pi_1"'],
    [200, { ...intent, object: 'charge' }],
    [200, { ...intent, id: undefined }],
    [200, { ...intent, status: 'new' }],
    [200, { ...intent, amount: '1234' }],
    [200, { ...intent, amount: 1235, amount_received: 1235 }],
    [200, { ...intent, amount_received: 1233 }],
    [200, { ...intent, currency: 'eur' }],
    [200, { ...intent, metadata: { ...intent.metadata, order_id: '2' } }],
    [200, { ...intent, metadata: { ...intent.metadata, idempotency_key: 'order-1-payment-2' } }],
    [200, { ...intent, metadata: undefined }],
    [200, cardError()],
    [201, ''],
    [204, ''],
    [302, ''],
    [400, intent],
    [400, '<html>Bad request</html>'],
    [400, says({ type: 'idempotency_error' })],
    [400, says({ type: 'something_new' })],
    [400, invalid({ code: 'rate_limit' })],
    [400, invalid({ code: 'lock_timeout' })],
    [400, invalid({ code: 'idempotency_key_in_use' })],
    [400, invalid({ payment_intent: { ...intent, status: 'new' } })],
    [401, invalid()],
    [402, invalid()],
    [402, cardError({ payment_intent: { id: 'pi_1' } })],
    [402, cardError({ payment_intent: { ...intent, amount: 1 } })],
    [403, invalid()],
    [404, invalid({ code: 'resource_missing' })],
    [409, says({ type: 'idempotency_error' })],
    [409, invalid({ code: 'lock_timeout' })],
    [429, invalid({ code: 'rate_limit' })],
    [429, cardError()],
    [500, says({ type: 'api_error' })],
    [500, intent],
    [503, '<html>Later</html>'],
  ])('does not know the outcome of a charge answered %i %j', async (status, body) => {
    provider.answers(status, body);
    await isUnknown(gateway.charge(givenCharge()));
  });

  it.each([
    [200, { ...refund, status: 'lost' }],
    [200, { ...refund, status: null }],
    [200, { ...refund, amount: 501 }],
    [200, { ...refund, currency: 'eur' }],
    [200, { ...refund, payment_intent: 'pi_2' }],
    [200, { ...refund, metadata: null }],
    [400, says({ type: 'idempotency_error' })],
    [404, invalid({ code: 'resource_missing' })],
    [409, says({ type: 'idempotency_error' })],
    [500, says({ type: 'api_error' })],
  ])('does not know the outcome of a refund answered %i %j', async (status, body) => {
    provider.answers(status, body);
    await isUnknown(gateway.refund(givenRefund('pi_1')));
  });

  it.each([
    [400, invalid()],
    [404, invalid()],
    [500, says({ type: 'api_error' })],
    [200, { ...intent, id: 'pi_2' }],
    [200, { object: 'list', data: [] }],
    [200, { object: 'list', data: [], has_more: true }],
    [200, { object: 'list', data: [{ ...intent, amount: null }], has_more: false }],
  ])('does not take %i %j for "there is nothing"', async (status, body) => {
    provider.answers(status, body);
    await isUnknown(gateway.find('pi_1'));
    await isUnknown(gateway.findByRequest(givenCharge(), new Date()));
  });

  it.each([
    [200, { object: 'list', data: [] }, true],
    [200, '<h1>Welcome</h1>', true],
    [400, invalid(), true],
    [403, says({ type: 'invalid_request_error' }), false],
    [404, '<h1>No such page</h1>', true],
    [405, '', true],
    [501, '', true],
    [401, says({ type: 'invalid_request_error' }), false],
    [429, invalid({ code: 'rate_limit' }), false],
    [500, says({ type: 'api_error' }), false],
    [503, '<h1>Later</h1>', false],
  ])('has no list when it is answered %i %j: %s', async (status, body, isMissing) => {
    provider.answers(status, body);
    for (const looking of [
      gateway.findByRequest(givenCharge(), new Date()),
      gateway.findRefundByRequest(givenRefund('pi_1'), new Date()),
    ]) {
      const error: unknown = await looking.catch((thrown) => thrown);
      expect([error instanceof OutcomeUnknown, error instanceof ListMissing]).toEqual([true, isMissing]);
    }
  });

  it("fails a charge over a wrong request, in Stripe's words and without secrets", async () => {
    provider.answers(400, invalid({ code: 'amount_too_small' }));
    expect(await gateway.charge(givenCharge())).toEqual({
      status: 'failed',
      provider_payment_id: null,
      failure_code: 'amount_too_small',
      failure_reason: 'No: [redacted] [redacted]',
    });
  });

  it('fails a declined card that has left no intent behind', async () => {
    provider.answers(402, cardError({ decline_code: 'lost_card' }));
    expect(await gateway.charge(givenCharge())).toMatchObject({
      status: 'failed',
      provider_payment_id: null,
      failure_code: 'lost_card',
    });
  });

  it.each([
    ['requires_capture', null],
    ['processing', null],
    ['requires_action', null],
    ['requires_confirmation', null],
  ])('takes %s without a page as pending', async (status, confirmation_url) => {
    provider.answers(200, { ...intent, status, amount_received: 0 });
    expect(await gateway.charge(givenCharge())).toEqual({
      status: 'pending',
      provider_payment_id: 'pi_1',
      confirmation_url,
    });
  });

  it('does not know of a decline whose intent does not let itself be cancelled', async () => {
    const waiting = { ...intent, status: 'requires_payment_method', amount_received: 0 };
    provider.answer = (_request, response, { method, url }) => {
      const isCancel = url.pathname.endsWith('/cancel');
      const isRead = method === 'GET';
      const body = isRead
        ? waiting
        : isCancel
          ? invalid({ code: 'payment_intent_unexpected_state' })
          : cardError({ payment_intent: waiting });
      response
        .writeHead(isRead ? 200 : isCancel ? 400 : 402, { 'content-type': 'application/json' })
        .end(JSON.stringify(body));
    };
    await isUnknown(gateway.charge(givenCharge()));
    expect(provider.received.map(({ url }) => url.pathname)).toEqual([
      '/v1/payment_intents',
      '/v1/payment_intents/pi_1/cancel',
      '/v1/payment_intents/pi_1',
    ]);
  });

  it('follows no redirect, and sends nothing twice', async () => {
    provider.answer = (_, response) => response.writeHead(307, { location: '/elsewhere' }).end();
    await isUnknown(gateway.charge(givenCharge()));
    for (const header of ['stripe-should-retry', 'retry-after']) {
      provider.answer = (_, response) => response.writeHead(503, { [header]: 'true' }).end('{"error":{}}');
      await isUnknown(gateway.charge(givenCharge()));
    }
    expect(provider.received).toHaveLength(3);
  });

  it('does not read an answer without end, nor one that trickles past its time', async () => {
    provider.answers(200, JSON.stringify({ ...intent, padding: 'x'.repeat(3_000_000) }));
    expect(await isUnknown(gateway.charge(givenCharge()))).toContain('an answer without end');
    const timers: NodeJS.Timeout[] = [];
    provider.answer = (_, response) => {
      response.writeHead(200).write('{');
      timers.push(setInterval(() => response.write(' '), 50));
    };
    expect(await isUnknown(gateway.charge(givenCharge()))).toContain(`no answer within ${timeoutMs} ms`);
    timers.forEach(clearInterval);
  });

  it('gives up on a list without end', async () => {
    provider.answers(200, { object: 'list', data: [{ id: 'pi_0', metadata: {} }], has_more: true });
    await isUnknown(gateway.findByRequest(givenCharge(), new Date()));
  });

  it("is not confused by what a list holds of somebody else's", async () => {
    const strange = { id: 'pi_0', status: 'new', metadata: { weight: 1 } };
    provider.answers(200, { object: 'list', data: [strange, intent], has_more: false });
    expect(await gateway.findByRequest(givenCharge(), new Date())).toMatchObject({ status: 'succeeded' });
  });
});

describe("Stripe's minor units", () => {
  it.each([
    ['USD', 1234, 1234],
    ['EUR', 1, 1],
    ['RUB', 100, 100],
    ['JPY', 1234, 1234],
    ['KRW', 1234, 1234],
    ['VND', 1234, 1234],
    ['MGA', 1234, 1234],
    // None for us, two for Stripe: without the factor a forint would be charged as a hundredth of one.
    ['HUF', 1234, 123_400],
    ['ISK', 1234, 123_400],
    ['UGX', 1234, 123_400],
    ['IDR', 1234, 123_400],
  ])('%s: %i of ours are %i', (currency, ours, theirs) => {
    expect(whyNotInStripe(currency)).toBeNull();
    expect(toStripeAmount(ours, currency)).toBe(theirs);
    expect(fromStripeAmount(theirs, currency)).toBe(ours);
  });

  it.each(['KWD', 'BHD', 'JOD', 'OMR', 'TND', 'LYD', 'NONE'])('%s cannot be said exactly', (currency) => {
    expect(whyNotInStripe(currency)).toEqual(expect.any(String));
    expect(() => toStripeAmount(1234, currency)).toThrow(RangeError);
  });

  it('takes no fraction of a unit for an amount', () => {
    expect(fromStripeAmount(1234, 'HUF')).toBeNull();
    expect(fromStripeAmount(1234, 'NONE')).toBeNull();
  });
});

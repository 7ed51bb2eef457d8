import {
  ListMissing,
  NotificationRefused,
  OutcomeUnknown,
} from '../../src/payment/gateway/payment-gateway.js';
import { YookassaGateway } from '../../src/payment/gateway/yookassa.gateway.js';
import { givenCharge, givenRefund } from './given-requests.js';
import { credentials, SandboxFixture, Shop } from './given-sandbox.js';
import { OddProvider } from './odd-provider.js';

const timeoutMs = 2_000;

describe('the YooKassa adapter, asked again', () => {
  describe('with the sandbox', () => {
    const sandbox = new SandboxFixture();
    let gateway: YookassaGateway;
    let shop: Shop;
    let begun: Date;

    beforeEach(async () => {
      await sandbox.prepare();
      const { url } = await sandbox.start();
      gateway = new YookassaGateway({ name: 'sandbox', apiUrl: url, ...credentials, timeoutMs });
      shop = new Shop(url);
      begun = new Date();
    });
    afterEach(() => sandbox.cleanUp());

    async function givenPaid(): Promise<string> {
      return (await gateway.charge(givenCharge())).provider_payment_id as string;
    }

    it('takes a charge from before keys were sent along for the live attempt, unless it was declined', async () => {
      const metadata = { order_id: '1' };
      await shop.pay('old-declined', { metadata, payment_token: 'tok_declined' });
      expect(await gateway.findByRequest(givenCharge(), begun)).toBeNull();
      const { body } = await shop.pay('old', { metadata });
      expect(await gateway.findByRequest(givenCharge(), begun)).toEqual({
        status: 'succeeded',
        provider_payment_id: body.id,
      });
    });

    it('keeps a long reason within what YooKassa takes, and still finds the refund', async () => {
      const request = givenRefund(await givenPaid(), { reason: 'x'.repeat(1_000) });
      const refund = await gateway.refund(request);
      expect(refund.status).toBe('succeeded');
      expect(await gateway.findRefundByRequest(request, begun)).toEqual(refund);
    });
  });

  describe('with a provider that answers oddly', () => {
    const provider = new OddProvider();
    const refund = {
      id: 'r-1',
      status: 'succeeded',
      payment_id: 'p-1',
      amount: { value: '5.00', currency: 'USD' },
      description: 'No longer wanted [order-1-refund-1]',
    };
    const payment = {
      id: 'p-1',
      status: 'succeeded',
      paid: true,
      amount: { value: '12.34', currency: 'USD' },
      metadata: { order_id: '1', idempotency_key: 'order-1-payment' },
    };
    const refusal = (code: string, more = {}) => ({
      type: 'error',
      id: 'e',
      code,
      description: 'No',
      ...more,
    });
    let gateway: YookassaGateway;

    beforeEach(async () => {
      await provider.start();
      gateway = gatewayWithin(500);
    });
    const gatewayWithin = (timeoutMs: number) =>
      new YookassaGateway({ name: 'yookassa', apiUrl: `${provider.origin}/v3`, ...credentials, timeoutMs });
    afterEach(() => provider.stop());

    async function isUnknown(call: Promise<unknown>): Promise<string> {
      const error: unknown = await call.then(
        (answer) => answer,
        (thrown) => thrown,
      );
      expect(error).toBeInstanceOf(OutcomeUnknown);
      const { message, cause } = error as Error;
      expect(cause).toBeUndefined();
      expect(message).not.toContain(credentials.secretKey);
      return message;
    }

    it.each([
      [500, refusal('internal_server_error')],
      [404, refusal('not_found')],
      [429, refusal('too_many_requests')],
      [401, refusal('invalid_credentials')],
      [403, refusal('forbidden')],
      [202, { type: 'processing' }],
      [400, '<html>Bad request</html>'],
      [400, refusal('something_new')],
      [400, refusal('invalid_request', { parameter: 'Idempotence-Key' })],
      [200, ''],
      [200, { ...refund, id: undefined }],
      [200, { ...refund, status: 'lost' }],
      [200, { ...refund, payment_id: undefined }],
      [200, { ...refund, payment_id: 'p-2' }],
      [200, { ...refund, amount: { value: '5.01', currency: 'USD' } }],
      [200, { ...refund, amount: { value: '5.00', currency: 'EUR' } }],
    ])('does not know the outcome of a refund answered %i %j', async (status, body) => {
      provider.answers(status, body);
      await isUnknown(gateway.refund(givenRefund('p-1')));
    });

    it('does not know the outcome of a refund whose connection drops, or that nobody answers', async () => {
      provider.answer = (request) => request.socket.destroy();
      expect(await isUnknown(gateway.refund(givenRefund('p-1')))).toContain('the connection failed');
      provider.answer = () => undefined;
      expect(await isUnknown(gateway.refund(givenRefund('p-1')))).toContain('no answer within 500 ms');
    });

    it.each([
      [
        { cancellation_details: { party: 'x', reason: 'insufficient_funds' } },
        'insufficient_funds',
        "There is not enough money on the shop's account for this refund.",
      ],
      [
        { cancellation_details: { reason: 'solar_flare' } },
        'solar_flare',
        'The refund was declined (solar_flare).',
      ],
      [{}, 'canceled', 'The refund was declined (canceled).'],
    ])('fails a canceled refund with %j', async (details, failure_code, failure_reason) => {
      provider.answers(200, { ...refund, status: 'canceled', ...details });
      const failed = { status: 'failed', provider_refund_id: 'r-1', failure_code, failure_reason };
      expect(await gateway.refund(givenRefund('p-1'))).toEqual(failed);
      expect(await gateway.findRefund('r-1')).toEqual(failed);
    });

    it('takes a refund that is not through yet as pending', async () => {
      provider.answers(200, { ...refund, status: 'pending' });
      const pending = { status: 'pending', provider_refund_id: 'r-1' };
      expect(await gateway.refund(givenRefund('p-1'))).toEqual(pending);
    });

    it('sends the same refund in the same bytes', async () => {
      provider.answers(200, refund);
      await gateway.refund(givenRefund('p-1'));
      await gateway.refund(givenRefund('p-1'));
      const [first, second] = provider.received;
      expect(first?.headers).toMatchObject({ 'idempotence-key': 'order-1-refund-1' });
      expect(JSON.parse(first?.body ?? '')).toEqual({
        payment_id: 'p-1',
        amount: { value: '5.00', currency: 'USD' },
        description: 'The order was cancelled [order-1-refund-1]',
      });
      expect(second?.body).toBe(first?.body);
    });

    it('finds no refund only when the provider itself says so', async () => {
      provider.answers(404, refusal('not_found'));
      expect(await gateway.findRefund('r-1')).toBeNull();
      provider.answers(404, '<html>Not found</html>');
      await isUnknown(gateway.findRefund('r-1'));
      provider.answers(200, { ...refund, id: 'r-2' });
      expect(await isUnknown(gateway.findRefund('r-1'))).toContain('another refund');
    });

    it('asks for lists by time, payment, limit and cursor', async () => {
      provider.answer = (_request, response, { url }) => {
        const isFirst = !url.searchParams.has('cursor');
        const page = isFirst
          ? { type: 'list', items: [], next_cursor: 'c-1' }
          : { type: 'list', items: [refund] };
        response.end(JSON.stringify(page));
      };
      const since = new Date('2026-01-02T03:04:05Z');
      expect(await gateway.findRefundByRequest(givenRefund('p-1'), since)).toMatchObject({
        provider_refund_id: 'r-1',
      });
      const expected = { payment_id: 'p-1', 'created_at.gte': '2026-01-02T02:59:05.000Z', limit: '100' };
      expect(
        provider.received.map(({ url }) => [url.pathname, Object.fromEntries(url.searchParams)]),
      ).toEqual([
        ['/v3/refunds', expected],
        ['/v3/refunds', { ...expected, cursor: 'c-1' }],
      ]);
    });

    it.each([
      [500, refusal('internal_server_error')],
      [404, refusal('not_found')],
      [200, ''],
      [200, {}],
      [200, payment],
      [200, { type: 'payment', items: [] }],
      [200, { type: 'list', items: [{ ...payment, status: 'new' }] }],
      [200, { type: 'list', items: [{ ...payment, paid: false }] }],
      [200, { type: 'list', items: [{ ...payment, amount: { value: '12.35', currency: 'USD' } }] }],
    ])('does not take %i %j for "there is no such charge"', async (status, body) => {
      provider.answers(status, body);
      await isUnknown(gateway.findByRequest(givenCharge(), new Date()));
    });

    it.each([
      [200, '<h1>Welcome</h1>', true],
      [200, {}, true],
      [302, '', false],
      [400, refusal('invalid_request'), true],
      [403, refusal('forbidden'), false],
      [404, 'no such page', true],
      [405, '', true],
      [501, '', true],
      [202, '', false],
      [401, refusal('invalid_credentials'), false],
      [408, '', false],
      [429, refusal('too_many_requests'), false],
      [500, refusal('internal_server_error'), false],
      [503, '<h1>Later</h1>', false],
    ])('has no list when it is answered %i %j: %s', async (status, body, isMissing) => {
      provider.answers(status, body);
      for (const looking of [
        gateway.findByRequest(givenCharge(), new Date()),
        gateway.findRefundByRequest(givenRefund('p-1'), new Date()),
      ]) {
        const error: unknown = await looking.catch((thrown) => thrown);
        expect([error instanceof OutcomeUnknown, error instanceof ListMissing]).toEqual([true, isMissing]);
      }
    });

    it('has no list when its pages have no end', async () => {
      provider.answers(200, { type: 'list', items: [], next_cursor: 'again' });
      const looking = gatewayWithin(25_000).findByRequest(givenCharge(), new Date());
      await expect(looking).rejects.toBeInstanceOf(ListMissing);
    });

    it("is not confused by what a list holds of somebody else's", async () => {
      const strange = { id: 'x', status: 'new', metadata: { order_id: '2', weight: 1 }, amount: null };
      provider.answers(200, { type: 'list', items: [strange, {}, payment] });
      expect(await gateway.findByRequest(givenCharge(), new Date())).toMatchObject({
        provider_payment_id: 'p-1',
      });
    });

    it('gives up on a list without end', async () => {
      provider.answers(200, { type: 'list', items: [], next_cursor: 'again' });
      await isUnknown(gateway.findByRequest(givenCharge(), new Date()));
    });

    describe('notifications', () => {
      const read = (body: unknown) =>
        gateway.readNotification(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), {});
      const said = (event: string, object: object = { id: 'id-1', status: 'whatever' }) => ({
        type: 'notification',
        event,
        object,
      });

      it.each(['payment.succeeded', 'payment.canceled', 'payment.waiting_for_capture'])(
        'reads %s as about a payment',
        (type) => {
          expect(read(said(type))).toEqual({
            about: 'payment',
            type,
            provider_payment_id: 'id-1',
            event_id: null,
          });
        },
      );

      it('reads refund.succeeded as about a refund', () => {
        expect(read(said('refund.succeeded'))).toEqual({
          about: 'refund',
          type: 'refund.succeeded',
          provider_refund_id: 'id-1',
          event_id: null,
        });
      });

      it.each(['payout.succeeded', 'payment_method.active', 'constructor'])('passes over %s', (type) => {
        expect(read(said(type, {}))).toEqual({ about: 'something else', type });
      });

      it.each([
        '',
        '{',
        'null',
        {},
        said('payment.succeeded', {}),
        said('payment.succeeded', { id: '../payouts' }),
        said('payment.succeeded', { id: 'x'.repeat(65) }),
        said('<script>'),
        { ...said('payment.succeeded'), type: 'error' },
        { ...said('payment.succeeded'), object: null },
      ])('refuses %j', (body) => {
        expect(() => read(body)).toThrow(NotificationRefused);
      });
    });
  });
});

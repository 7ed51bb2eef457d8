import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { OutcomeUnknown } from '../../src/payment/gateway/payment-gateway.js';
import { YookassaGateway } from '../../src/payment/gateway/yookassa.gateway.js';
import { givenCharge } from './given-requests.js';
import { credentials, SandboxFixture, Shop } from './given-sandbox.js';

describe('the YooKassa adapter', () => {
  describe('with the sandbox', () => {
    const sandbox = new SandboxFixture();
    let gateway: YookassaGateway;
    let shop: Shop;

    beforeEach(async () => {
      await sandbox.prepare();
      const { url } = await sandbox.start({ slowMs: 1_500 });
      gateway = new YookassaGateway({ name: 'sandbox', apiUrl: url, ...credentials, timeoutMs: 1_000 });
      shop = new Shop(url);
    });
    afterEach(() => sandbox.cleanUp());

    it('charges once per key and reads the charge back', async () => {
      const charge = await gateway.charge(givenCharge());
      expect(charge).toEqual({ status: 'succeeded', provider_payment_id: expect.any(String) });
      expect(await gateway.charge(givenCharge())).toEqual(charge);
      expect(await gateway.find(charge.provider_payment_id ?? '')).toEqual({
        charge,
        amount_minor: 1234,
        currency: 'USD',
        order_id: '1',
        idempotency_key: 'order-1-payment',
      });
      expect(await shop.ledger('1')).toMatchObject({
        captures: 1,
        payments: [{ idempotence_key: 'order-1-payment', captured: { value: '12.34', currency: 'USD' } }],
      });
    });

    it.each([
      ['tok_declined', 'general_decline', 'The payment was declined.'],
      ['tok_insufficient_funds', 'insufficient_funds', 'There is not enough money for this payment.'],
    ])('tells a decline of %s and why', async (payment_token, failure_code, failure_reason) => {
      const charge = await gateway.charge(givenCharge({ payment_token }));
      expect(charge).toMatchObject({ status: 'failed', failure_code, failure_reason });
      expect(charge.provider_payment_id).toEqual(expect.any(String));
    });

    it('tells where the customer confirms, and sees the decision afterwards', async () => {
      const request = givenCharge({ payment_token: 'tok_pending' });
      const charge = await gateway.charge(request);
      if (charge.status !== 'pending') throw new Error('should be pending');
      const answer = await shop.decide(charge.confirmation_url ?? '', 'approve');
      expect(answer.headers.get('location')).toBe(request.return_url);
      expect(await gateway.find(charge.provider_payment_id)).toMatchObject({
        charge: { status: 'succeeded' },
      });
    });

    it.each(['tok_timeout', 'tok_error'])(
      'does not know the outcome of %s, and asking again tells',
      async (token) => {
        const request = givenCharge({ payment_token: token });
        await expect(gateway.charge(request)).rejects.toBeInstanceOf(OutcomeUnknown);
        expect(await gateway.charge(request)).toMatchObject({ status: 'succeeded' });
        expect((await shop.ledger('1')).captures).toBe(1);
      },
    );

    it('does not know the outcome of tok_slow until it is charged, however often it asks', async () => {
      const request = givenCharge({ payment_token: 'tok_slow' });
      await expect(gateway.charge(request)).rejects.toThrow('no answer within 1000 ms');
      let charge = await gateway.charge(request).catch((error: unknown) => error);
      expect(charge).toMatchObject({ message: expect.stringContaining('202') });
      while (charge instanceof Error) charge = await gateway.charge(request).catch((error: unknown) => error);
      expect(charge).toMatchObject({ status: 'succeeded' });
      expect((await shop.ledger('1')).captures).toBe(1);
    });

    it('fails a charge that the provider refuses as invalid, in its words', async () => {
      const charge = await gateway.charge(givenCharge({ payment_token: 'tok_nonsense' }));
      expect(charge).toEqual({
        status: 'failed',
        provider_payment_id: null,
        failure_code: 'invalid_request',
        failure_reason: 'payment_token: is no token of this gateway',
      });
    });

    it('takes a key that was used with another body as a sign of an earlier charge, not as a decline', async () => {
      await gateway.charge(givenCharge());
      const changed = gateway.charge(givenCharge({ amount_minor: 1235 }));
      await expect(changed).rejects.toThrow('the idempotence key was used with another body');
      await expect(changed).rejects.toBeInstanceOf(OutcomeUnknown);
    });

    it('sends amounts in the decimals of their currency, and long descriptions cut', async () => {
      const yen = givenCharge({ currency: 'JPY', description: `${'x'.repeat(127)}😀` });
      expect(await gateway.charge(yen)).toMatchObject({ status: 'succeeded' });
      const cents = givenCharge({ idempotency_key: 'k2', amount_minor: 5 });
      expect(await gateway.charge(cents)).toMatchObject({ status: 'succeeded' });
      const { payments } = await shop.ledger();
      expect(payments.map(({ amount }) => amount)).toEqual([
        { value: '1234', currency: 'JPY' },
        { value: '0.05', currency: 'USD' },
      ]);
    });

    it.each(['no-such-payment', '..', '', 'a/b'])('finds no charge "%s"', async (id) => {
      expect(await gateway.find(id)).toBeNull();
    });

    it('never fails a charge over wrong credentials', async () => {
      const { url } = await sandbox.start({ ledgerFile: `${sandbox.ledgerFile}2`, secretKey: 'another' });
      const misled = new YookassaGateway({ name: 'sandbox', apiUrl: url, ...credentials, timeoutMs: 1_000 });
      await expect(misled.charge(givenCharge())).rejects.toThrow(
        'check YOOKASSA_SHOP_ID and YOOKASSA_SECRET_KEY',
      );
      await expect(misled.find('some-id')).rejects.toBeInstanceOf(OutcomeUnknown);
    });
  });

  describe('with a provider that answers oddly', () => {
    const token = 'token-that-nobody-may-read';
    const payment = {
      id: 'p-1',
      status: 'succeeded',
      paid: true,
      amount: { value: '12.34', currency: 'USD' },
      metadata: { order_id: '1' },
    };
    let server: Server;
    let answer: (request: IncomingMessage, response: ServerResponse) => void;
    let bodies: Record<string, unknown>[];
    const timeoutMs = 250;

    beforeEach(async () => {
      bodies = [];
      server = createServer(async (request, response) => {
        const chunks = (await request.toArray()) as Buffer[];
        if (chunks.length > 0) bodies.push(JSON.parse(Buffer.concat(chunks).toString()));
        answer(request, response);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    });
    afterEach(async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });

    const givenAdapter = (
      name: 'sandbox' | 'yookassa' = 'yookassa',
      port = (server.address() as AddressInfo).port,
    ) => new YookassaGateway({ name, apiUrl: `http://127.0.0.1:${port}/v3`, ...credentials, timeoutMs });
    const answers = (status: number, body: unknown, headers = {}) => {
      answer = (_, response) =>
        response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
    };
    const refusal = (code: string, more = {}) => ({
      type: 'error',
      id: 'e-1',
      code,
      description: 'No',
      ...more,
    });

    async function chargeIsUnknown(): Promise<string> {
      const error: unknown = await givenAdapter()
        .charge(givenCharge({ payment_token: token }))
        .then(
          () => null,
          (thrown) => thrown,
        );
      expect(error).toBeInstanceOf(OutcomeUnknown);
      const { message, cause } = error as Error;
      expect(cause).toBeUndefined();
      for (const secret of [token, credentials.secretKey, btoa(`shop-1:${credentials.secretKey}`)]) {
        expect(message).not.toContain(secret);
      }
      return message;
    }

    it.each([
      [500, refusal('internal_server_error')],
      [502, '<html>Bad gateway</html>'],
      [429, refusal('too_many_requests')],
      [401, refusal('invalid_credentials')],
      [403, refusal('forbidden')],
      [404, refusal('not_found')],
      [405, ''],
      [202, { type: 'processing', retry_after: 500 }],
      [202, payment],
      [204, ''],
      [400, '<html>Bad request</html>'],
      [400, refusal('something_new')],
      [400, refusal('invalid_request', { description: 'Idempotence key duplicated' })],
      [400, refusal('invalid_request', { parameter: 'Idempotence-Key' })],
      [200, ''],
      [200, '{"id":"p-1","status":'],
      [200, null],
      [200, { ...payment, id: undefined }],
      [200, { ...payment, status: 'new' }],
      [200, { ...payment, paid: false }],
      [200, { ...payment, amount: undefined }],
      [200, { ...payment, metadata: undefined }],
      [500, refusal(`x-${token}`)],
    ])('does not know the outcome of a charge answered %i %j', async (status, body) => {
      answers(status, body);
      await chargeIsUnknown();
    });

    it.each([
      ['currency', { amount: { value: '12.34', currency: 'EUR' } }],
      ['amount', { amount: { value: '12.35', currency: 'USD' } }],
      ['order', { metadata: { order_id: '2' } }],
      ['idempotency key', { metadata: { order_id: '1', idempotency_key: 'order-1-payment-2' } }],
    ])('does not believe a payment of another %s', async (what, other) => {
      answers(200, { ...payment, ...other });
      expect(await chargeIsUnknown()).toContain(`another ${what}`);
    });

    it('follows no redirect', async () => {
      let visits = 0;
      answer = (_, response) => {
        visits += 1;
        response.writeHead(302, { location: '/v3/payments' }).end();
      };
      await chargeIsUnknown();
      expect(visits).toBe(1);
    });

    it('does not know the outcome when the connection drops before or inside the answer', async () => {
      answer = (request) => request.socket.destroy();
      expect(await chargeIsUnknown()).toContain('the connection failed');
      answer = (request, response) => {
        response.writeHead(200, { 'content-length': 1000 }).write('{"id"', () => request.socket.destroy());
      };
      await chargeIsUnknown();
    });

    it('does not know the outcome when nobody listens', async () => {
      answers(200, payment);
      const elsewhere = givenAdapter('yookassa', 1);
      await expect(elsewhere.charge(givenCharge())).rejects.toBeInstanceOf(OutcomeUnknown);
    });

    it('does not wait longer for an answer that trickles', async () => {
      const timers: NodeJS.Timeout[] = [];
      answer = (_, response) => {
        response.writeHead(200);
        timers.push(setInterval(() => response.write(' '), 20).unref());
      };
      const startedAtMs = performance.now();
      expect(await chargeIsUnknown()).toContain(`no answer within ${timeoutMs} ms`);
      expect(performance.now() - startedAtMs).toBeLessThan(timeoutMs * 8);
      timers.forEach(clearInterval);
    });

    it('does not read an answer without end', async () => {
      answers(200, JSON.stringify({ ...payment, padding: 'x'.repeat(300_000) }));
      expect(await chargeIsUnknown()).toContain('the connection failed');
    });

    it('takes waiting_for_capture as pending', async () => {
      answers(200, { ...payment, status: 'waiting_for_capture' });
      const charge = { status: 'pending', provider_payment_id: 'p-1', confirmation_url: null };
      expect(await givenAdapter().charge(givenCharge())).toEqual(charge);
    });

    it.each([
      [
        { cancellation_details: { party: 'x', reason: 'card_expired' } },
        'card_expired',
        'The card has expired.',
      ],
      [
        { cancellation_details: { reason: 'solar_flare' } },
        'solar_flare',
        'The payment was declined (solar_flare).',
      ],
      [{}, 'canceled', 'The payment was declined (canceled).'],
    ])('fails a canceled payment with %j', async (details, failure_code, failure_reason) => {
      answers(200, { ...payment, status: 'canceled', paid: false, ...details });
      const charge = await givenAdapter().charge(givenCharge());
      expect(charge).toEqual({ status: 'failed', provider_payment_id: 'p-1', failure_code, failure_reason });
    });

    it('keeps secrets out of the reason for a failure', async () => {
      const description = `Token ${token} and ${credentials.secretKey} are wrong`;
      answers(400, refusal('invalid_request', { description }));
      const charge = await givenAdapter().charge(givenCharge({ payment_token: token }));
      expect(charge).toMatchObject({ failure_reason: 'Token [redacted] and [redacted] are wrong' });
    });

    it('finds nothing only when the provider itself says so', async () => {
      answers(404, refusal('not_found'));
      expect(await givenAdapter().find('p-1')).toBeNull();
      answers(404, '<html>Not found</html>');
      await expect(givenAdapter().find('p-1')).rejects.toThrow('check YOOKASSA_API_URL');
      answers(200, { ...payment, id: 'p-2' });
      await expect(givenAdapter().find('p-1')).rejects.toThrow('another payment');
    });

    it.each([
      ['credit_card', 'bank_card'],
      ['e_wallet', 'yoo_money'],
      ['bank_transfer', 'sbp'],
      ['installment', 'sber_loan'],
    ])('asks YooKassa for %s as %s', async (payment_method, type) => {
      answers(200, payment);
      await givenAdapter().charge(givenCharge({ payment_method }));
      expect(bodies[0]).toEqual({
        amount: { value: '12.34', currency: 'USD' },
        capture: true,
        confirmation: { type: 'redirect', return_url: 'https://shop.example/thanks' },
        description: 'Order 1',
        metadata: { order_id: '1', idempotency_key: 'order-1-payment' },
        payment_method_data: { type },
      });
    });

    it('sends the token alone where there is one, and to the sandbox never a method', async () => {
      answers(200, payment);
      await givenAdapter().charge(givenCharge({ payment_token: token }));
      expect(bodies[0]).toMatchObject({ payment_token: token });
      expect(bodies[0]).not.toHaveProperty('payment_method_data');
      await givenAdapter('sandbox').charge(givenCharge());
      expect(bodies[1]).not.toHaveProperty('payment_token');
      expect(bodies[1]).not.toHaveProperty('payment_method_data');
    });

    it('sends the same request in the same bytes', async () => {
      let headers: IncomingMessage['headers'] = {};
      answer = (request, response) => {
        headers = request.headers;
        response.end(JSON.stringify(payment));
      };
      await givenAdapter().charge(givenCharge());
      expect(headers).toMatchObject({
        authorization: `Basic ${btoa('shop-1:test_secret')}`,
        'idempotence-key': 'order-1-payment',
        'content-type': 'application/json',
      });
      await givenAdapter().charge(givenCharge());
      expect(JSON.stringify(bodies[0])).toBe(JSON.stringify(bodies[1]));
    });
  });
});

import { givenPayment, SandboxFixture, Shop } from './given-sandbox.js';

describe('the sandbox payment gateway', () => {
  const sandbox = new SandboxFixture();
  let url: string;
  let shop: Shop;

  beforeEach(async () => {
    await sandbox.prepare();
    url = (await sandbox.start()).url;
    shop = new Shop(url);
  });
  afterEach(() => sandbox.cleanUp());

  describe('tokens', () => {
    it.each([undefined, 'tok_success'])('captures at once with the token %s', async (payment_token) => {
      const { status, body } = await shop.pay('k', { payment_token });
      expect(status).toBe(200);
      expect(body).toMatchObject({
        status: 'succeeded',
        paid: true,
        amount: { value: '12.34', currency: 'USD' },
        description: 'Order <1>',
        metadata: { order_id: 'order-of-k' },
        refundable: true,
        refunded_amount: { value: '0.00', currency: 'USD' },
        recipient: { account_id: 'shop-1' },
        test: true,
        created_at: expect.any(String),
        captured_at: expect.any(String),
      });
      expect(await shop.get(`/v3/payments/${body.id}`)).toEqual({ status: 200, body });
    });

    it.each([
      ['tok_declined', 'general_decline'],
      ['tok_insufficient_funds', 'insufficient_funds'],
    ])('declines %s with the reason %s and takes nothing', async (payment_token, reason) => {
      const { body } = await shop.pay('k', { payment_token });
      expect(body).toMatchObject({ status: 'canceled', paid: false, refundable: false });
      expect(body.cancellation_details).toEqual({ party: 'payment_network', reason });
      expect((await shop.ledger()).captures).toBe(0);
    });

    it('charges tok_timeout, leaves the request unanswered, and answers its repeat', async () => {
      await expect(
        shop.pay('k', { payment_token: 'tok_timeout' }, AbortSignal.timeout(300)),
      ).rejects.toThrow();
      expect((await shop.ledger()).captures).toBe(1);
      expect(await shop.pay('k', { payment_token: 'tok_timeout' })).toMatchObject({
        status: 200,
        body: { status: 'succeeded' },
      });
      expect((await shop.ledger()).captures).toBe(1);
    });

    it('charges tok_error, answers 500, and answers the payment to its repeat', async () => {
      const fault = await shop.pay('k', { payment_token: 'tok_error' });
      expect(fault).toMatchObject({ status: 500, body: { type: 'error', code: 'internal_server_error' } });
      const repeated = await shop.pay('k', { payment_token: 'tok_error' });
      expect(repeated).toMatchObject({ status: 200, body: { status: 'succeeded' } });
      expect((await shop.ledger()).captures).toBe(1);
    });

    it('answers 202 to every repeat while tok_slow is worked on, and charges once', async () => {
      const first = shop.pay('k', { payment_token: 'tok_slow' });
      const repeats = () => Promise.all([1, 2, 3].map(() => shop.pay('k', { payment_token: 'tok_slow' })));
      const seen = new Set<number>();
      let answered = false;
      const paid = first.finally(() => {
        answered = true;
      });
      while (!answered) for (const { status } of await repeats()) seen.add(status);
      expect(await paid).toMatchObject({ status: 200, body: { status: 'succeeded' } });
      expect([...seen].sort()).toContain(202);
      expect(await shop.pay('k', { payment_token: 'tok_slow' })).toEqual(await paid);
      expect((await shop.ledger()).captures).toBe(1);
    });

    it('forgets a slow payment that the end of the gateway broke off, without a charge', async () => {
      const gateway = await sandbox.start({ slowMs: 60_000, ledgerFile: `${sandbox.ledgerFile}2` });
      const pending = new Shop(gateway.url).pay('k', { payment_token: 'tok_slow' });
      pending.catch(() => undefined);
      const other = new Shop(gateway.url);
      while ((await other.pay('k', { payment_token: 'tok_slow' })).status !== 202);
      await gateway.close();
      await expect(pending).rejects.toThrow();
      const again = await sandbox.start({ ledgerFile: `${sandbox.ledgerFile}2` });
      expect(await new Shop(again.url).ledger()).toEqual({ payments: [], captures: 0 });
    });

    it.each(['tok_unknown', 'constructor', ''])('refuses the unknown token "%s"', async (payment_token) => {
      expect(await shop.pay('k', { payment_token })).toMatchObject({
        status: 400,
        body: { type: 'error', code: 'invalid_request', parameter: 'payment_token' },
      });
    });
  });

  describe('the confirmation page', () => {
    async function givenPending(key: string): Promise<string> {
      const { body } = await shop.pay(key, { payment_token: 'tok_pending' });
      expect(body).toMatchObject({ status: 'pending', paid: false });
      return body.confirmation?.confirmation_url ?? '';
    }

    it('offers to pay or to decline, and shows the order as text', async () => {
      const page = await fetch(await givenPending('k'));
      const html = await page.text();
      expect(page.headers.get('content-type')).toContain('text/html');
      expect(html).toContain('12.34 USD');
      expect(html).toContain('value="approve"');
      expect(html).toContain('value="decline"');
      expect(html).not.toContain('<1>');
    });

    it.each([
      ['approve', 'succeeded', 1],
      ['decline', 'canceled', 0],
    ])('%s makes the payment %s and leads back to the shop', async (decision, status, captures) => {
      const confirmationUrl = await givenPending('k');
      const answer = await shop.decide(confirmationUrl, decision);
      expect(answer.status).toBe(303);
      expect(answer.headers.get('location')).toBe('https://shop.example/thanks');
      expect((await shop.pay('k', { payment_token: 'tok_pending' })).body.status).toBe(status);
      expect((await shop.ledger()).captures).toBe(captures);
    });

    it('lets the first decision stand, however often and in whatever way it is asked again', async () => {
      const confirmationUrl = await givenPending('k');
      await Promise.all(['approve', 'approve', 'approve'].map((it) => shop.decide(confirmationUrl, it)));
      await shop.decide(confirmationUrl, 'decline');
      expect(await shop.ledger()).toMatchObject({ captures: 1, payments: [{ status: 'succeeded' }] });
      expect(await (await fetch(confirmationUrl)).text()).not.toContain('<form');
    });

    it('refuses any other decision and any unknown payment', async () => {
      expect((await shop.decide(await givenPending('k'), 'maybe')).status).toBe(400);
      expect((await fetch(`${new URL(url).origin}/confirm/none`)).status).toBe(404);
    });
  });

  describe('idempotence keys', () => {
    it.each([null, '', 'k'.repeat(65)])('refuses the key %j', async (key) => {
      expect(await shop.post('/v3/payments', key, givenPayment('k'))).toMatchObject({
        status: 400,
        body: { code: 'invalid_request', parameter: 'Idempotence-Key' },
      });
    });

    it('charges once for twenty requests at the same time with one key', async () => {
      const key = 'k'.repeat(64);
      const answers = await Promise.all(Array.from({ length: 20 }, () => shop.pay(key)));
      expect(new Set(answers.map(({ status, body }) => `${status} ${body.id}`)).size).toBe(1);
      expect(await shop.ledger(`order-of-${key}`)).toMatchObject({ captures: 1 });
    });

    it('takes the same values in another order and spelling for the same request', async () => {
      const first = await shop.pay('k');
      const { amount, ...rest } = givenPayment('k');
      const respelled = JSON.stringify(
        { ...rest, amount: { currency: amount.currency, value: amount.value } },
        null,
        3,
      );
      expect(await shop.post('/v3/payments', 'k', respelled)).toEqual(first);
    });

    it.each([
      ['amount', { amount: { value: '12.35', currency: 'USD' } }],
      ['metadata', { metadata: { order_id: 'another' } }],
    ])('refuses a key with another %s', async (_what, overrides) => {
      await shop.pay('k');
      expect(await shop.pay('k', overrides)).toMatchObject({
        status: 400,
        body: { description: 'Idempotence key duplicated', parameter: 'Idempotence-Key' },
      });
      expect((await shop.ledger()).captures).toBe(1);
    });

    it("refuses a payment's key for a refund, and another body while the first is worked on", async () => {
      const { body } = await shop.pay('k');
      expect((await shop.refund('k', body.id, '1.00')).status).toBe(400);
      const slow = shop.pay('slow', { payment_token: 'tok_slow' });
      while ((await shop.pay('slow', { payment_token: 'tok_slow' })).status !== 202);
      expect((await shop.pay('slow')).status).toBe(400);
      expect((await slow).status).toBe(200);
    });

    it('does not remember a request that was refused', async () => {
      expect((await shop.pay('k', { capture: false })).status).toBe(400);
      expect((await shop.pay('k')).status).toBe(200);
    });
  });

  describe('requests', () => {
    it.each([
      ['0.00', 'USD', 'amount.value'],
      ['-1.00', 'USD', 'amount.value'],
      ['1', 'USD', 'amount.value'],
      ['1.5', 'USD', 'amount.value'],
      ['1.505', 'USD', 'amount.value'],
      ['01.50', 'USD', 'amount.value'],
      ['1e3.00', 'USD', 'amount.value'],
      ['99999999999999999.00', 'USD', 'amount.value'],
      ['1.00', 'JPY', 'amount.value'],
      ['1.', 'JPY', 'amount.value'],
      ['1.00', 'usd', 'amount.currency'],
      ['1.00', 'ZZZ', 'amount.currency'],
      [1, 'USD', 'amount.value'],
    ])('refuses the amount %s %s', async (value, currency, parameter) => {
      expect(await shop.pay('k', { amount: { value, currency } })).toMatchObject({
        status: 400,
        body: { code: 'invalid_request', parameter },
      });
    });

    it.each([
      ['1234', 'JPY'],
      ['1.234', 'KWD'],
      ['0.01', 'EUR'],
    ])('takes the amount %s %s as it is written', async (value, currency) => {
      const { body } = await shop.pay('k', { amount: { value, currency } });
      expect(body.amount).toEqual({ value, currency });
    });

    it.each([
      ['payment_method_data', { payment_token: 'tok_success', payment_method_data: { type: 'bank_card' } }],
      ['confirmation', { payment_token: 'tok_pending', confirmation: undefined }],
      ['confirmation.return_url', { confirmation: { type: 'redirect', return_url: 'javascript:alert(1)' } }],
      ['description', { description: 'x'.repeat(129) }],
    ])('names the wrong parameter %s', async (parameter, overrides) => {
      expect(await shop.pay('k', overrides)).toMatchObject({ status: 400, body: { parameter } });
    });

    it('refuses what is no JSON, too long, unknown, or asked in another way', async () => {
      expect((await shop.post('/v3/payments', 'k', '{')).status).toBe(400);
      expect((await shop.post('/v3/payments', 'k', `"${'x'.repeat(70_000)}"`)).status).toBe(400);
      expect((await shop.get('/v3/payments/none')).status).toBe(404);
      expect((await shop.get('/v3/refunds/none')).status).toBe(404);
      expect((await shop.get('/v3/elsewhere')).status).toBe(404);
      expect((await shop.post('/v3/payments/none', 'k', {})).status).toBe(405);
    });

    it.each(['', 'Basic', `Basic ${btoa('shop-1:wrong')}`, `Bearer ${btoa('shop-1:test_secret')}`])(
      'answers 401 to the credentials "%s"',
      async (authorization) => {
        const stranger = new Shop(url, authorization);
        const refused = {
          status: 401,
          body: { type: 'error', id: expect.any(String), code: 'invalid_credentials' },
        };
        expect(await stranger.pay('k')).toMatchObject(refused);
        expect(await stranger.get('/ledger')).toMatchObject(refused);
        expect((await shop.ledger()).payments).toEqual([]);
      },
    );
  });

  describe('refunds', () => {
    it('refunds in parts, once a key, and never more than was captured', async () => {
      const { id } = (await shop.pay('k')).body;
      const first = await shop.refund('r1', id, '10.00');
      expect(first).toMatchObject({ status: 200, body: { status: 'succeeded', payment_id: id } });
      expect(await shop.refund('r1', id, '10.00')).toEqual(first);
      expect(await shop.refund('r2', id, '2.35')).toMatchObject({
        status: 400,
        body: { parameter: 'amount.value' },
      });
      expect((await shop.refund('r3', id, '2.34')).status).toBe(200);
      expect((await shop.refund('r4', id, '0.01')).status).toBe(400);
      expect(await shop.get(`/v3/refunds/${first.body.id}`)).toEqual(first);
      expect((await shop.get(`/v3/payments/${id}`)).body).toMatchObject({
        refundable: false,
        refunded_amount: { value: '12.34', currency: 'USD' },
      });
    });

    it('gives the last of the money to one of ten refunds at the same time', async () => {
      const { id } = (await shop.pay('k')).body;
      const keys = Array.from({ length: 10 }, (_, n) => `r${n}`);
      const answers = await Promise.all(keys.map((key) => shop.refund(key, id, '7.00')));
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    });

    it('refuses an unknown payment, one that was not captured, and another currency', async () => {
      const declined = (await shop.pay('d', { payment_token: 'tok_declined' })).body.id;
      const paid = (await shop.pay('p')).body.id;
      expect(await shop.refund('r1', 'none', '1.00')).toMatchObject({ body: { parameter: 'payment_id' } });
      expect(await shop.refund('r2', declined, '1.00')).toMatchObject({ body: { parameter: 'payment_id' } });
      expect(await shop.refund('r3', paid, '1.00', 'EUR')).toMatchObject({
        body: { parameter: 'amount.currency' },
      });
    });
  });
});

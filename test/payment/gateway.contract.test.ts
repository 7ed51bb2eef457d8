import {
  type Charge,
  type ChargeRequest,
  NotificationRefused,
  OutcomeUnknown,
  type PaymentGateway,
} from '../../src/payment/gateway/payment-gateway.js';
import type { Fault } from './faulty-road.js';
import { StripeProvider, YookassaProvider } from './given-providers.js';
import { givenCharge as aCharge, givenRefund } from './given-requests.js';

const HOUR_MS = 3_600_000;
/** Long enough for a whole call on a busy machine, short enough to wait for. */
const SHORT_MS = 500;

/** All of these have arrived and have been carried out: only the answer is not to be had. */
const lostAnswers: Fault[] = ['silence', 'reset', 'cut off', 'server error', 'page', 'empty', 'text'];

/** What the service relies on, whoever the provider is. */
describe.each([
  ['sandbox', new YookassaProvider('sandbox')],
  ['yookassa', new YookassaProvider('yookassa')],
  ['stripe', new StripeProvider()],
] as const)('the payment gateway %s', (name, provider) => {
  let gateway: PaymentGateway;
  let begun: Date;

  beforeEach(async () => {
    await provider.start();
    gateway = provider.gateway();
    begun = new Date();
  });
  afterEach(() => provider.stop());

  const givenCharge = (overrides: Partial<ChargeRequest> = {}) =>
    aCharge({ payment_token: provider.tokens.succeeds, ...overrides });

  async function givenPaid(): Promise<string> {
    return (await gateway.charge(givenCharge())).provider_payment_id as string;
  }

  async function givenPending(): Promise<Extract<Charge, { status: 'pending' }>> {
    const charge = await gateway.charge(givenCharge({ payment_token: provider.tokens.asks }));
    if (charge.status !== 'pending') throw new Error('should be pending');
    return charge;
  }

  /** @returns what was said, after seeing that it tells no secret. */
  async function isUnknown(call: Promise<unknown>): Promise<string> {
    const error: unknown = await call.then(
      (answer) => answer,
      (thrown) => thrown,
    );
    expect(error).toBeInstanceOf(OutcomeUnknown);
    const { message, stack, cause } = error as Error;
    expect(cause).toBeUndefined();
    for (const secret of [...provider.secrets, provider.tokens.succeeds]) {
      expect(message).not.toContain(secret);
      expect(stack).not.toContain(secret);
    }
    return message;
  }

  it('has its name, and knows for how long a key is remembered', () => {
    expect(gateway.name).toBe(name);
    expect(gateway.keyLifeMs).toBe(24 * HOUR_MS);
  });

  describe('a charge', () => {
    it('succeeds, once per key, however often it is asked for', async () => {
      const charge = await gateway.charge(givenCharge());
      expect(charge).toEqual({ status: 'succeeded', provider_payment_id: expect.any(String) });
      expect(await gateway.charge(givenCharge())).toEqual(charge);
      expect(await provider.gateway().charge(givenCharge())).toEqual(charge);
      expect(await provider.captures('1')).toBe(1);
    });

    it('succeeds once when ten ask at the same time', async () => {
      const answers = await Promise.allSettled(
        Array.from({ length: 10 }, () => gateway.charge(givenCharge())),
      );
      for (const answer of answers) {
        if (answer.status === 'rejected') expect(answer.reason).toBeInstanceOf(OutcomeUnknown);
      }
      expect(await gateway.charge(givenCharge())).toMatchObject({ status: 'succeeded' });
      expect(await provider.captures('1')).toBe(1);
    });

    it('is another one under another key', async () => {
      const first = await gateway.charge(givenCharge());
      const second = await gateway.charge(givenCharge({ idempotency_key: 'order-1-payment-2' }));
      expect(second.provider_payment_id).not.toBe(first.provider_payment_id);
      expect(await provider.captures('1')).toBe(2);
    });

    it('is unknown when its key stands for another request', async () => {
      await gateway.charge(givenCharge());
      await isUnknown(gateway.charge(givenCharge({ amount_minor: 1235 })));
      expect(await provider.captures('1')).toBe(1);
    });

    it('is declined for good, and says so again', async () => {
      const request = givenCharge({ payment_token: provider.tokens.declines });
      const charge = await gateway.charge(request);
      expect(charge).toEqual({
        status: 'failed',
        provider_payment_id: expect.any(String),
        failure_code: expect.stringMatching(/^general_decline$|^generic_decline$/),
        failure_reason: expect.stringContaining('declined'),
      });
      expect(await gateway.charge(request)).toEqual(charge);
      expect((await gateway.find(charge.provider_payment_id as string))?.charge).toEqual(charge);
      expect(await gateway.findByRequest(request, begun)).toEqual(charge);
      expect(await provider.captures('1')).toBe(0);
    });

    it('fails when the provider refuses the request as such, with its reason and without the token', async () => {
      const payment_token = 'no_such_token_1234';
      const charge = await gateway.charge(givenCharge({ payment_token }));
      expect(charge).toMatchObject({ status: 'failed', provider_payment_id: null });
      expect(charge).toMatchObject({ failure_code: expect.any(String), failure_reason: expect.any(String) });
      expect(JSON.stringify(charge)).not.toContain(payment_token);
    });

    it('waits where the customer confirms, and is then paid', async () => {
      const { provider_payment_id, confirmation_url } = await givenPending();
      expect(confirmation_url).toMatch(/^http/);
      expect(await provider.captures('1')).toBe(0);
      await provider.decide(confirmation_url, 'approve');
      const paid = { status: 'succeeded', provider_payment_id };
      expect((await gateway.find(provider_payment_id))?.charge).toEqual(paid);
      expect(await gateway.charge(givenCharge({ payment_token: provider.tokens.asks }))).toEqual(paid);
      expect(await provider.captures('1')).toBe(1);
    });

    it('waits where the customer confirms, and is then declined for good', async () => {
      const { provider_payment_id, confirmation_url } = await givenPending();
      await provider.decide(confirmation_url, 'decline');
      const found = await gateway.find(provider_payment_id);
      expect(found?.charge).toMatchObject({ status: 'failed', provider_payment_id });
      await provider.decide(confirmation_url, 'approve');
      expect(await gateway.find(provider_payment_id)).toEqual(found);
      expect(await provider.captures('1')).toBe(0);
    });

    it.each([
      ['JPY', 1234],
      ['USD', 1],
      ['EUR', 99_999_999],
    ])('goes through in %s to the last unit', async (currency, amount_minor) => {
      const charge = await gateway.charge(givenCharge({ currency, amount_minor }));
      const found = await gateway.find(charge.provider_payment_id as string);
      expect(found).toMatchObject({ charge: { status: 'succeeded' }, currency, amount_minor });
    });
  });

  describe('an answer that does not come', () => {
    it.each(lostAnswers)('(%s) leaves the charge unknown; the same key tells the truth', async (fault) => {
      provider.road.next(fault);
      await isUnknown(provider.gateway(SHORT_MS).charge(givenCharge()));
      expect(await provider.captures('1')).toBe(1);
      expect(await gateway.charge(givenCharge())).toMatchObject({ status: 'succeeded' });
      expect(await provider.captures('1')).toBe(1);
    });

    it.each(lostAnswers)('(%s) leaves the charge unknown; a search finds it', async (fault) => {
      provider.road.next(fault);
      await isUnknown(provider.gateway(SHORT_MS).charge(givenCharge()));
      expect(await gateway.findByRequest(givenCharge(), begun)).toMatchObject({ status: 'succeeded' });
    });

    it.each(lostAnswers)('(%s) leaves the decline unknown; the same key tells the truth', async (fault) => {
      const request = givenCharge({ payment_token: provider.tokens.declines });
      provider.road.next(fault);
      await isUnknown(provider.gateway(SHORT_MS).charge(request));
      expect(await gateway.charge(request)).toMatchObject({ status: 'failed' });
    });

    it('may have been none at all: then there is nothing to find, and it may be sent again', async () => {
      provider.road.next('lost');
      await isUnknown(gateway.charge(givenCharge()));
      expect(await gateway.findByRequest(givenCharge(), begun)).toBeNull();
      expect(await gateway.charge(givenCharge())).toMatchObject({ status: 'succeeded' });
      expect(await provider.captures('1')).toBe(1);
    });

    it.each(lostAnswers)('(%s) is no "there is nothing"', async (fault) => {
      const id = await givenPaid();
      const short = provider.gateway(SHORT_MS);
      for (const ask of [
        () => short.find(id),
        () => short.findByRequest(givenCharge(), begun),
        () => short.findRefund('re_1'),
        () => short.findRefundByRequest(givenRefund(id), begun),
      ]) {
        provider.road.next(fault);
        await isUnknown(ask());
      }
    });

    it('is not asked for a second time by the adapter itself', async () => {
      for (const fault of ['lost', 'reset', 'server error'] as const) {
        const before = provider.road.requests;
        provider.road.next(fault);
        await isUnknown(gateway.charge(givenCharge()));
        expect(provider.road.requests - before).toBe(1);
      }
    });

    it('comes from nobody: unknown', async () => {
      await provider.road.close();
      await isUnknown(gateway.charge(givenCharge()));
      await isUnknown(gateway.find('pi_1'));
    });

    it('is over after the whole time for a call, told with that time', async () => {
      provider.road.next('silence');
      const startedAtMs = performance.now();
      const message = await isUnknown(provider.gateway(SHORT_MS).charge(givenCharge()));
      expect(message).toContain(`no answer within ${SHORT_MS} ms`);
      expect(performance.now() - startedAtMs).toBeLessThan(SHORT_MS * 5);
    });
  });

  describe('wrong credentials', () => {
    it('never fail a charge or a refund, and never say that there is nothing', async () => {
      const id = await givenPaid();
      const misled = provider.gateway(5_000, 'another_secret_key');
      for (const call of [
        () => misled.charge(givenCharge({ idempotency_key: 'new' })),
        () => misled.find(id),
        () => misled.findByRequest(givenCharge(), begun),
        () => misled.refund(givenRefund(id)),
        () => misled.findRefund('re_1'),
        () => misled.findRefundByRequest(givenRefund(id), begun),
      ]) {
        const message = await isUnknown(call());
        expect(message).toContain('401');
        expect(message).toContain('_SECRET_KEY');
        expect(message).not.toContain('another_secret_key');
      }
    });
  });

  describe('reading back', () => {
    it('tells what a charge is for', async () => {
      const charge = await gateway.charge(givenCharge());
      expect(await gateway.find(charge.provider_payment_id as string)).toEqual({
        charge,
        amount_minor: 1234,
        currency: 'USD',
        order_id: '1',
        idempotency_key: 'order-1-payment',
      });
    });

    it.each(['', '..', 'a/b', 'pi_unknown', 'unknown', 'x'.repeat(300)])(
      'finds no charge and no refund "%s"',
      async (id) => {
        expect(await gateway.find(id)).toBeNull();
        expect(await gateway.findRefund(id)).toBeNull();
      },
    );

    it('finds by request the very attempt, among others of the same order', async () => {
      const first = await gateway.charge(givenCharge({ payment_token: provider.tokens.declines }));
      const second = givenCharge({ idempotency_key: 'order-1-payment-2' });
      expect(await gateway.findByRequest(second, begun)).toBeNull();
      const paid = await gateway.charge(second);
      expect(await gateway.findByRequest(second, begun)).toEqual(paid);
      expect(await gateway.findByRequest(givenCharge(), begun)).toEqual(first);
    });

    it('finds by request what is older than a page of other charges', async () => {
      const charge = await gateway.charge(givenCharge());
      for (let n = 0; n < 105; n += 15) {
        const others = Array.from({ length: 15 }, (_, each) => `other-${n + each}`);
        await Promise.all(
          others.map((key) => gateway.charge(givenCharge({ idempotency_key: key, order_id: key }))),
        );
      }
      expect(await gateway.findByRequest(givenCharge(), begun)).toEqual(charge);
    }, 20_000);

    it('does not find by request what was long before', async () => {
      await gateway.charge(givenCharge());
      const later = new Date(Date.now() + HOUR_MS);
      expect(await gateway.findByRequest(givenCharge(), later)).toBeNull();
    });

    it('does not believe a charge of the same key over another amount', async () => {
      await gateway.charge(givenCharge());
      const other = gateway.findByRequest(givenCharge({ amount_minor: 1235 }), begun);
      expect(await isUnknown(other)).toContain('another amount');
    });
  });

  describe('a refund', () => {
    it('gives back once per key', async () => {
      const id = await givenPaid();
      const refund = await gateway.refund(givenRefund(id));
      expect(refund).toEqual({ status: 'succeeded', provider_refund_id: expect.any(String) });
      expect(await gateway.refund(givenRefund(id))).toEqual(refund);
      expect(await gateway.findRefund(refund.provider_refund_id as string)).toEqual(refund);
      expect(await provider.refundedMinor(id)).toBe(500);
    });

    it('gives back in parts, and no more than was captured', async () => {
      const id = await givenPaid();
      const first = await gateway.refund(givenRefund(id));
      const rest = givenRefund(id, { idempotency_key: 'order-1-refund-2', amount_minor: 734 });
      const second = await gateway.refund(rest);
      expect(second).toMatchObject({ status: 'succeeded' });
      const more = givenRefund(id, { idempotency_key: 'order-1-refund-3', amount_minor: 1 });
      expect(await gateway.refund(more)).toEqual({
        status: 'failed',
        provider_refund_id: null,
        failure_code: expect.any(String),
        failure_reason: expect.any(String),
      });
      expect(await provider.refundedMinor(id)).toBe(1234);
      expect(await gateway.findRefundByRequest(givenRefund(id), begun)).toEqual(first);
      expect(await gateway.findRefundByRequest(rest, begun)).toEqual(second);
      expect(await gateway.findRefundByRequest(more, begun)).toBeNull();
    });

    it('fails for more than was captured, and for what was never paid', async () => {
      const id = await givenPaid();
      expect(await gateway.refund(givenRefund(id, { amount_minor: 1235 }))).toMatchObject({
        status: 'failed',
      });
      const { provider_payment_id } = await gateway.charge(
        givenCharge({ idempotency_key: 'pending', payment_token: provider.tokens.asks }),
      );
      const request = givenRefund(provider_payment_id as string, { idempotency_key: 'unpaid' });
      expect(await gateway.refund(request)).toMatchObject({ status: 'failed' });
      expect(await provider.refundedMinor(id)).toBe(0);
    });

    it('is unknown when its key stands for another request', async () => {
      const id = await givenPaid();
      await gateway.refund(givenRefund(id));
      await isUnknown(gateway.refund(givenRefund(id, { amount_minor: 501 })));
      expect(await provider.refundedMinor(id)).toBe(500);
    });

    it.each(lostAnswers)(
      'whose answer is lost (%s) is unknown; key and search both tell the truth',
      async (fault) => {
        const id = await givenPaid();
        provider.road.next(fault);
        await isUnknown(provider.gateway(SHORT_MS).refund(givenRefund(id)));
        const found = await gateway.findRefundByRequest(givenRefund(id), begun);
        expect(found).toMatchObject({ status: 'succeeded' });
        expect(await gateway.refund(givenRefund(id))).toEqual(found);
        expect(await provider.refundedMinor(id)).toBe(500);
      },
    );

    it('that never arrived is not found, and may be sent again', async () => {
      const id = await givenPaid();
      provider.road.next('lost');
      await isUnknown(gateway.refund(givenRefund(id)));
      expect(await gateway.findRefundByRequest(givenRefund(id), begun)).toBeNull();
      expect(await gateway.refund(givenRefund(id))).toMatchObject({ status: 'succeeded' });
    });
  });

  it.each(['', '{', 'null', '[]', '{"type":"notification"}', '<html>'])(
    'refuses the notification %j',
    (body) => {
      expect(() => gateway.readNotification(Buffer.from(body), {})).toThrow(NotificationRefused);
    },
  );
});

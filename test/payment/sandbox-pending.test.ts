import { jest } from '@jest/globals';
import { SandboxFixture, Shop } from './given-sandbox.js';

describe('a payment that waits for its customer at the sandbox gateway', () => {
  const sandbox = new SandboxFixture();
  let passedMs = 0;

  beforeEach(async () => {
    await sandbox.prepare();
    passedMs = 0;
    // Only the clock is moved: the gateway's own timers go on.
    const clock = Date.now.bind(Date);
    jest.spyOn(Date, 'now').mockImplementation(() => clock() + passedMs);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await sandbox.cleanUp();
  });

  const pass = (ms: number) => {
    passedMs += ms;
  };

  async function givenPending(pendingMs?: number) {
    const shop = new Shop((await sandbox.start({ pendingMs })).url);
    const { body } = await shop.pay('first', { payment_token: 'tok_pending' });
    expect(body.status).toBe('pending');
    return { shop, payment: body };
  }

  const read = async (shop: Shop, id: string) => (await shop.get<any>(`/v3/payments/${id}`)).body;

  it('waits for an hour, and is then canceled', async () => {
    const { shop, payment } = await givenPending();
    pass(3_590_000);
    expect((await read(shop, payment.id)).status).toBe('pending');
    pass(20_000);
    expect(await read(shop, payment.id)).toMatchObject({
      status: 'canceled',
      paid: false,
      cancellation_details: { party: 'yoo_money', reason: 'expired_on_confirmation' },
    });
  });

  it('cannot be confirmed any more', async () => {
    const { shop, payment } = await givenPending(60_000);
    pass(61_000);
    await shop.decide(payment.confirmation?.confirmation_url as string, 'approve');
    expect((await read(shop, payment.id)).status).toBe('canceled');
    expect((await shop.ledger()).captures).toBe(0);
  });

  it('stays confirmed when that was in time', async () => {
    const { shop, payment } = await givenPending(60_000);
    await shop.decide(payment.confirmation?.confirmation_url as string, 'approve');
    pass(61_000);
    expect((await read(shop, payment.id)).status).toBe('succeeded');
  });

  it('is canceled in the listing, and for whoever repeats its key, as well', async () => {
    const { shop } = await givenPending(60_000);
    pass(61_000);
    expect((await shop.ledger()).payments[0]?.status).toBe('canceled');
    expect((await shop.pay('first', { payment_token: 'tok_pending' })).body.status).toBe('canceled');
  });

  it('is canceled once, and stays so after a restart', async () => {
    const { shop, payment } = await givenPending(60_000);
    pass(61_000);
    const before = await read(shop, payment.id);
    const restarted = new Shop((await sandbox.start({ pendingMs: 3_600_000 })).url);
    expect(await read(restarted, payment.id)).toMatchObject({
      status: 'canceled',
      cancellation_details: before.cancellation_details,
    });
  });
});

import { eventually } from '../support/eventually.js';
import { SandboxFixture, Shop } from './given-sandbox.js';
import { OddProvider as Receiver } from './odd-provider.js';

describe("the sandbox gateway's notifications", () => {
  const sandbox = new SandboxFixture();
  const receiver = new Receiver();
  const faults: unknown[] = [];

  beforeEach(async () => {
    faults.length = 0;
    await sandbox.prepare();
    await receiver.start();
    receiver.answers(200, '');
  });
  afterEach(async () => {
    await sandbox.cleanUp();
    await receiver.stop();
  });

  const start = (options = {}) =>
    sandbox.start({
      notifyUrl: `${receiver.origin}/hook`,
      notifyRetryMs: 1,
      onFault: (fault) => faults.push(fault),
      ...options,
    });

  async function givenPending(shop: Shop, key: string): Promise<string> {
    const { body } = await shop.pay(key, { payment_token: 'tok_pending' });
    return body.confirmation?.confirmation_url as string;
  }

  const told = () => receiver.received.map(({ body }) => JSON.parse(body));

  it.each([
    ['approve', 'payment.succeeded', 'succeeded'],
    ['decline', 'payment.canceled', 'canceled'],
  ])('%s tells %s, with the payment as it now stands', async (decision, event, status) => {
    const shop = new Shop((await start()).url);
    await shop.decide(await givenPending(shop, 'k'), decision);
    await eventually(() => told().length === 1);
    const { payments } = await shop.ledger();
    const { body: object } = await shop.get(`/v3/payments/${payments[0]?.id}`);
    expect(told()).toEqual([{ type: 'notification', event, object }]);
    expect(object.status).toBe(status);
    expect(receiver.received[0]).toMatchObject({
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    });
  });

  it('tells a refund, and a decision only once', async () => {
    const shop = new Shop((await start()).url);
    const page = await givenPending(shop, 'k');
    await Promise.all(['approve', 'approve', 'decline'].map((decision) => shop.decide(page, decision)));
    const { id } = (await shop.ledger()).payments[0] as { id: string };
    const { body: object } = await shop.refund('r', id, '1.00');
    await shop.refund('r', id, '1.00');
    await eventually(() => told().length === 2);
    expect(told().find(({ event }) => event === 'refund.succeeded')).toEqual({
      type: 'notification',
      event: 'refund.succeeded',
      object,
    });
  });

  it('says nothing of payments whose answer was final', async () => {
    const shop = new Shop((await start()).url);
    await shop.pay('paid');
    await shop.pay('declined', { payment_token: 'tok_declined' });
    await shop.decide(await givenPending(shop, 'k'), 'approve');
    await eventually(() => told().length === 1);
    expect(told()[0].object.metadata.order_id).toBe('order-of-k');
  });

  it('tries again until it is taken', async () => {
    const statuses = [500, 302, 404];
    receiver.answer = (_, response) => {
      response.writeHead(statuses.shift() ?? 204, { location: '/elsewhere' }).end();
    };
    const shop = new Shop((await start()).url);
    await shop.decide(await givenPending(shop, 'k'), 'approve');
    await eventually(() => told().length === 4);
    expect(new Set(receiver.received.map(({ body, url }) => `${url.pathname} ${body}`)).size).toBe(1);
    expect(faults).toEqual([]);
  });

  it('gives up in the end, and says so', async () => {
    receiver.answers(500, '');
    const shop = new Shop((await start()).url);
    await shop.decide(await givenPending(shop, 'k'), 'approve');
    await eventually(() => faults.length === 1);
    expect(faults[0]).toMatchObject({ message: 'a notification was given up after 7 tries' });
    expect(told()).toHaveLength(7);
  });

  it('keeps nobody waiting, and ends with the gateway', async () => {
    receiver.answer = () => undefined;
    const gateway = await start();
    const shop = new Shop(gateway.url);
    expect((await shop.decide(await givenPending(shop, 'k'), 'approve')).status).toBe(303);
    await eventually(() => told().length === 1);
    await gateway.close();
    expect(faults).toEqual([]);
    expect(told()).toHaveLength(1);
  });
});

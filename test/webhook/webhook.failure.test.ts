import { WebhookSender } from '../../src/webhook/webhook-sender.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { eventually } from '../support/eventually.js';
import { givenAdmin } from '../support/given.js';
import { WebhookCalls } from './calls.js';
import { Receiver, verified } from './receiver.js';

let database: TestDatabase;
let app: TestApp;
let calls: WebhookCalls;
let receiver: Receiver;

beforeAll(async () => {
  database = await cloneDatabase();
  app = await bootApp(database, { EVENT_MAX_ATTEMPTS: '2', EVENT_RETRY_BASE_MS: '50' });
  calls = new WebhookCalls(app, await givenAdmin(app, database));
  receiver = await Receiver.open();
});

afterEach(async () => {
  receiver.accepts();
  await database.sql('DELETE FROM webhook_endpoints');
  receiver.hangUp();
});

afterAll(async () => {
  await app?.close();
  await receiver?.close();
  await database?.drop();
});

const paid = (order_id: string) => ({ type: 'order.paid' as const, data: { order_id } });
const came = (path: string, count = 1) =>
  eventually(() => receiver.at(path).length >= count, { what: `${count} at ${path}`, within: 20_000 });

describe('an endpoint that does not take an event', () => {
  it('gets it again, with the same id and a signature of then', async () => {
    receiver.answers((_, response) =>
      response.writeHead(receiver.at('/flaky').length === 1 ? 500 : 200).end(),
    );
    const { id, secret } = await calls.givenEndpoint(`${receiver.url}/flaky`);
    await calls.tell(paid('o-5'));
    const delivery = await calls.delivery(id, 'delivered');
    expect(delivery).toMatchObject({ attempts: 2, response_status: 200, error: null });
    const [first, second] = receiver.at('/flaky');
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
    expect(second?.body).toBe(first?.body);
    verified(second!, secret);
  });

  it('fails in the end, becomes a dead letter, and a retry of that begins anew', async () => {
    receiver.answers(500);
    const { id } = await calls.givenEndpoint(`${receiver.url}/dead`);
    await calls.tell(paid('o-6'));
    const delivery = await calls.delivery(id, 'failed');
    expect(delivery).toMatchObject({
      attempts: 2,
      response_status: 500,
      error: 'answered 500',
      delivered_at: null,
    });
    expect(receiver.at('/dead')).toHaveLength(2);
    const { dead_letters } = (await calls.get('dead-letters')).body;
    const letter = dead_letters.find((one: { event_id: string }) => one.event_id === delivery.event_id);
    expect(letter).toMatchObject({
      consumer: 'webhooks',
      attempts: 2,
      error: `${receiver.url}: answered 500`,
    });
    receiver.accepts();
    expect((await calls.retry(letter.id)).status).toBe(200);
    expect(await calls.delivery(id, 'delivered')).toMatchObject({ id: delivery.id, attempts: 3 });
    expect(new Set(receiver.at('/dead').map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  });

  it('is one of two: each has its own dead letter, whose retry calls it and not the other', async () => {
    receiver.answers(500);
    const one = await calls.givenEndpoint(`${receiver.url}/one`);
    const other = await calls.givenEndpoint(`${receiver.url}/other`);
    await calls.tell(paid('o-12'));
    const { event_id } = await calls.delivery(one.id, 'failed');
    await calls.delivery(other.id, 'failed');
    const letters = async (): Promise<string[]> => {
      const { dead_letters } = (await calls.get('dead-letters')).body;
      return dead_letters
        .filter((letter: { event_id: string }) => letter.event_id === event_id)
        .map(({ id }: { id: string }) => id);
    };
    const both = await letters();
    expect(both).toHaveLength(2);

    const counts = () => ['/one', '/other'].map((path) => receiver.at(path).length);
    const statuses = async () =>
      (await Promise.all([one, other].map(({ id }) => calls.deliveries(id)))).map(([only]) => only?.status);
    receiver.accepts();
    expect((await calls.retry(both[0] as string)).status).toBe(200);
    await eventually(async () => (await statuses()).includes('delivered'), {
      what: 'the first to be delivered',
    });
    expect((await statuses()).toSorted()).toEqual(['delivered', 'failed']);
    expect(counts().toSorted()).toEqual([2, 3]);
    expect(await letters()).toEqual([both[1]]);

    expect((await calls.retry(both[1] as string)).status).toBe(200);
    await calls.delivery(one.id, 'delivered');
    await calls.delivery(other.id, 'delivered');
    expect(counts()).toEqual([3, 3]);
    expect(await letters()).toEqual([]);
  });

  it('fails again as often, and has a new dead letter, which can be retried like the first', async () => {
    receiver.answers(500);
    const { id } = await calls.givenEndpoint(`${receiver.url}/again`);
    await calls.tell(paid('o-13'));
    const { event_id } = await calls.delivery(id, 'failed');
    const letter = (not?: string) =>
      eventually(
        async () => {
          const { dead_letters } = (await calls.get('dead-letters')).body;
          return dead_letters.find((one: any) => one.event_id === event_id && one.id !== not);
        },
        { what: 'a dead letter', within: 20_000 },
      );
    const first = await letter();
    expect((await calls.retry(first.id)).status).toBe(200);
    const second = await letter(first.id);
    await calls.delivery(id, 'failed');
    expect(receiver.at('/again')).toHaveLength(4);
    receiver.accepts();
    expect((await calls.retry(second.id)).status).toBe(200);
    expect(await calls.delivery(id, 'delivered')).toMatchObject({ attempts: 5 });
  });

  it.each<[string, number]>([
    ['a redirect, which is not followed', 302],
    ['a permanent redirect, which is not followed', 308],
    ['a refusal', 410],
  ])('may answer %s', async (_, status) => {
    receiver.answers(({ path }, response) =>
      response
        .writeHead(path === '/elsewhere' ? 200 : status, { location: `${receiver.url}/elsewhere` })
        .end(),
    );
    const { id } = await calls.givenEndpoint(`${receiver.url}/moved-${status}`);
    await calls.tell(paid('o-7'));
    const delivery = await calls.delivery(id, 'failed');
    expect(delivery).toMatchObject({ response_status: status, error: `answered ${status}` });
    expect(receiver.at('/elsewhere')).toEqual([]);
  });

  it('may not be there at all', async () => {
    const gone = await Receiver.open();
    await gone.close();
    const { id } = await calls.givenEndpoint(`${gone.url}/gone`);
    await calls.tell(paid('o-8'));
    const delivery = await calls.delivery(id, 'failed');
    expect(delivery).toMatchObject({ response_status: null, error: expect.stringContaining('ECONNREFUSED') });
  });

  it('may never answer', async () => {
    receiver.answers(() => undefined);
    const sender = Object.assign(new WebhookSender(app.config), { timeoutMs: 100 });
    const secret = `whsec_${Buffer.alloc(32).toString('base64')}`;
    const attempt = await sender.post({ url: `${receiver.url}/never`, secret, event_id: 'e', body: '{}' });
    expect(attempt).toEqual({ response_status: null, error: 'no answer within 0.1 s' });
  });

  it('may answer without end: only the status is waited for', async () => {
    receiver.answers((_, response) => {
      response.writeHead(200);
      const flood = setInterval(() => response.write('x'.repeat(65_536)), 1);
      response.on('close', () => clearInterval(flood));
    });
    const { id } = await calls.givenEndpoint(`${receiver.url}/flood`);
    await calls.tell(paid('o-9'));
    expect(await calls.delivery(id, 'delivered')).toMatchObject({ response_status: 200 });
  });

  it('keeps no other one waiting', async () => {
    receiver.answers(({ path }, response) => {
      if (path !== '/hangs') response.writeHead(204).end();
    });
    await calls.givenEndpoint(`${receiver.url}/hangs`);
    const { id } = await calls.givenEndpoint(`${receiver.url}/quick`);
    await calls.tell(paid('o-10'));
    await calls.delivery(id, 'delivered');
    await came('/hangs');
  });

  it('gets nothing more once it is switched off', async () => {
    receiver.answers(500);
    const { id } = await calls.givenEndpoint(`${receiver.url}/later-off`);
    await calls.tell(paid('o-11'));
    await came('/later-off');
    await calls.change(id, { active: false });
    const delivery = await calls.delivery(id, 'failed');
    expect(delivery.error).toBe('the endpoint is switched off');
    expect(receiver.at('/later-off')).toHaveLength(1);
    expect((await calls.resend(delivery.id)).body.code).toBe('webhook_endpoint_inactive');
  });
});

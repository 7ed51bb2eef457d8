import request from 'supertest';
import { DatabaseService } from '../../src/platform/database/database.service.js';
import { WebhookDeliveryService } from '../../src/webhook/webhook-delivery.service.js';
import { WebhooksConsumer } from '../../src/webhook/webhooks.consumer.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { eventually } from '../support/eventually.js';
import { givenAdmin, givenCustomer } from '../support/given.js';
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

describe('an event that an endpoint wants', () => {
  it('is posted once, signed, with the id of the event', async () => {
    const { id, secret } = await calls.givenEndpoint(`${receiver.url}/signed`, { events: ['order.paid'] });
    await calls.tell(paid('o-1'));
    const delivery = await calls.delivery(id, 'delivered');
    const [received, ...more] = receiver.at('/signed');
    expect(more).toEqual([]);
    const [event] = await database.sql(`SELECT id, created_at FROM events WHERE data->>'order_id' = 'o-1'`);
    expect(verified(received!, secret)).toEqual({
      type: 'order.paid',
      timestamp: event?.created_at.toISOString(),
      data: { order_id: 'o-1' },
    });
    expect(received?.headers).toMatchObject({ 'webhook-id': event?.id, 'content-type': 'application/json' });
    expect(() => verified(received!, `whsec_${Buffer.alloc(32).toString('base64')}`)).toThrow(/signature/);
    expect(delivery).toEqual({
      id: expect.any(String),
      endpoint_id: id,
      event_id: event?.id,
      type: 'order.paid',
      status: 'delivered',
      attempts: 1,
      response_status: 204,
      error: null,
      created_at: expect.stringMatching(/Z$/),
      attempted_at: expect.stringMatching(/Z$/),
      delivered_at: expect.stringMatching(/Z$/),
    });
  });

  it('comes from what happens in the shop', async () => {
    const { secret } = await calls.givenEndpoint(`${receiver.url}/shop`, { events: ['order.placed'] });
    const customer = await givenCustomer(app);
    const order = await request(app.url)
      .post('/api/v1/orders')
      .set(customer.headers)
      .send({ items: [{ product_id: 1, quantity: 1 }] });
    expect(order.status).toBe(201);
    await came('/shop');
    expect(verified(receiver.at('/shop')[0]!, secret).data.order_id).toBe(order.body.id);
  });

  it('goes to every endpoint that wants it, and to no other', async () => {
    await calls.givenEndpoint(`${receiver.url}/all`);
    await calls.givenEndpoint(`${receiver.url}/paid`, { events: ['order.paid', 'order.failed'] });
    const other = await calls.givenEndpoint(`${receiver.url}/stock`, { events: ['stock.low'] });
    const off = await calls.givenEndpoint(`${receiver.url}/off`, { active: false });
    await calls.tell(paid('o-2'));
    await came('/all');
    await came('/paid');
    expect(await calls.deliveries(other.id)).toEqual([]);
    expect(await calls.deliveries(off.id)).toEqual([]);
  });

  it('can be put in order by its timestamp and sequence, in whatever order it comes', async () => {
    const { id, secret } = await calls.givenEndpoint(`${receiver.url}/order`, { events: ['stock.changed'] });
    const changes = [1, 2, 3, 4, 5].map((sequence) => ({
      type: 'stock.changed' as const,
      data: { product_id: 5, stock: 200 - sequence, sequence },
    }));
    for (const change of changes) await calls.tell(change);
    await came('/order', 5);
    const bodies = receiver.at('/order').map((received) => verified(received, secret));
    const byTime = [...bodies].sort((a, b) => a.timestamp.localeCompare(b.timestamp));
    const bySequence = [...bodies].sort((a, b) => a.data.sequence - b.data.sequence);
    expect(byTime).toEqual(bySequence);
    expect(bySequence.map(({ data }) => data.stock)).toEqual([199, 198, 197, 196, 195]);
    expect((await calls.deliveries(id)).length).toBe(5);
  });

  it('is told once, however often it is handed on', async () => {
    const { id } = await calls.givenEndpoint(`${receiver.url}/once`, { events: ['order.paid'] });
    await calls.tell(paid('o-3'));
    const { event_id } = await calls.delivery(id, 'delivered');
    const [event] = await database.sql('SELECT id, type, data, created_at FROM events WHERE id = $1', [
      event_id,
    ]);
    const consumer = app.app.get(WebhooksConsumer);
    await app.app.get(DatabaseService).transaction((tx) => consumer.consume(event as never, tx));
    await calls.tell(paid('o-4'));
    await eventually(async () => (await calls.deliveries(id)).length === 2);
    await came('/once', 2);
    expect(receiver.at('/once').map(({ body }) => JSON.parse(body).data.order_id)).toEqual(['o-3', 'o-4']);
  });
});

describe('resending', () => {
  it('sends the very same again', async () => {
    const { id, secret } = await calls.givenEndpoint(`${receiver.url}/again`);
    await calls.tell(paid('o-12'));
    const delivery = await calls.delivery(id, 'delivered');
    const answer = await calls.resend(delivery.id);
    expect(answer.status).toBe(202);
    expect(answer.body).toMatchObject({ id: delivery.id, status: 'pending', delivered_at: null });
    await came('/again', 2);
    const [first, second] = receiver.at('/again');
    expect(second?.body).toBe(first?.body);
    expect(second?.headers['webhook-id']).toBe(delivery.event_id);
    verified(second!, secret);
    expect(await calls.delivery(id, 'delivered')).toMatchObject({ attempts: 2 });
  });

  it('happens once for one idempotency key', async () => {
    const { id } = await calls.givenEndpoint(`${receiver.url}/keyed`);
    await calls.tell(paid('o-13'));
    const delivery = await calls.delivery(id, 'delivered');
    const key = { 'Idempotency-Key': 'resend-1' };
    const first = await calls.resend(delivery.id, key);
    const second = await calls.resend(delivery.id, key);
    expect(second.headers['idempotent-replayed']).toBe('true');
    expect(second.body).toEqual(first.body);
    await came('/keyed', 2);
    expect(await calls.delivery(id, 'delivered')).toMatchObject({ attempts: 2 });
    expect(receiver.at('/keyed')).toHaveLength(2);
  });

  it('makes the tries of before void', async () => {
    receiver.answers(500);
    const { id } = await calls.givenEndpoint(`${receiver.url}/void`);
    await calls.tell(paid('o-14'));
    await came('/void');
    const { id: delivery_id } = (await calls.deliveries(id))[0]!;
    receiver.accepts();
    await calls.resend(delivery_id);
    await calls.delivery(id, 'delivered');
    const sent = receiver.at('/void').length;
    await app.app.get(WebhookDeliveryService).deliver({ delivery_id, round: 1 });
    expect(receiver.at('/void')).toHaveLength(sent);
  });

  it('answers 404 for a delivery that there is not', async () => {
    expect((await calls.resend('01939b1e-7c1a-7000-8000-3f3f1a2b4c5d')).status).toBe(404);
    expect((await calls.resend('1')).status).toBe(400);
  });
});

describe('the deliveries of an endpoint', () => {
  it('are listed newest first, by pages, without their bodies', async () => {
    const { id } = await calls.givenEndpoint(`${receiver.url}/listed`);
    for (const order of ['o-15', 'o-16', 'o-17']) await calls.tell(paid(order));
    await came('/listed', 3);
    const all = await calls.deliveries(id);
    const first = (await calls.get(`webhook-endpoints/${id}/deliveries?limit=2&count=true`)).body;
    expect(first.deliveries.map((one: { id: string }) => one.id)).toEqual(
      all.slice(0, 2).map((one) => one.id),
    );
    expect(first.total).toBe(3);
    expect(first.deliveries[0]).not.toHaveProperty('body');
    const next = await calls.get(`webhook-endpoints/${id}/deliveries?cursor=${first.next_cursor}`);
    expect(next.body).toMatchObject({ deliveries: [{ id: all[2]?.id }], next_cursor: null });
    expect((await calls.get('webhook-endpoints/2147483647/deliveries')).status).toBe(404);
  });

  it('are removed when they have ended long ago', async () => {
    const { id } = await calls.givenEndpoint(`${receiver.url}/old`);
    await calls.tell(paid('o-18'), paid('o-19'));
    await came('/old', 2);
    await eventually(async () => (await calls.deliveries(id)).every(({ status }) => status === 'delivered'));
    const [kept, old] = await calls.deliveries(id);
    await database.sql(
      `UPDATE webhook_deliveries SET created_at = now() - interval '31 days' WHERE id = $1`,
      [old?.id],
    );
    await app.app.get(WebhookDeliveryService).removeOld();
    expect((await calls.deliveries(id)).map((one) => one.id)).toEqual([kept?.id]);
  });

  it('go with their endpoint', async () => {
    const { id } = await calls.givenEndpoint(`${receiver.url}/removed`);
    await calls.tell(paid('o-20'));
    const delivery = await calls.delivery(id, 'delivered');
    expect((await calls.remove(id)).status).toBe(204);
    expect((await calls.remove(id)).status).toBe(404);
    expect((await calls.resend(delivery.id)).status).toBe(404);
    await app.app.get(WebhookDeliveryService).deliver({ delivery_id: delivery.id, round: 1 });
  });
});

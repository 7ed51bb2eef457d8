import request from 'supertest';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { givenAdmin, givenApiKey, givenCustomer } from '../support/given.js';
import { WebhookCalls } from './calls.js';

const URL = 'https://erp.example/hooks';

let database: TestDatabase;
let app: TestApp;
let calls: WebhookCalls;

beforeAll(async () => {
  database = await cloneDatabase();
  app = await bootApp(database);
  calls = new WebhookCalls(app, await givenAdmin(app, database));
});

afterAll(async () => {
  await app?.close();
  await database?.drop();
});

describe('adding a webhook endpoint', () => {
  it('makes a secret, and shows it this once', async () => {
    const { status, body, headers } = await calls.create({ url: URL, events: ['order.paid'] });
    expect(status).toBe(201);
    expect(headers['cache-control']).toBe('no-store');
    expect(body).toEqual({
      id: expect.any(Number),
      url: URL,
      events: ['order.paid'],
      active: true,
      secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
      created_at: expect.stringMatching(/Z$/),
      updated_at: expect.stringMatching(/Z$/),
    });
    const { secret, ...rest } = body;
    expect((await calls.get(`webhook-endpoints/${body.id}`)).body).toEqual(rest);
    const answers = [
      await calls.get('webhook-endpoints?limit=100'),
      await calls.change(body.id, { active: false }),
    ];
    for (const answer of answers) expect(answer.text).not.toContain(secret);
  });

  it.each([
    ['of 24 bytes', Buffer.alloc(24, 7).toString('base64')],
    ['of 65 bytes', Buffer.alloc(65, 7).toString('base64')],
    ['as short as somebody likes', 'c2hvcnQ='],
    ['that is not padded', 'c2hvcnQ'],
  ])(
    'takes a secret that the Standard Webhooks library takes, with whsec_ or without: %s',
    async (_, base64) => {
      for (const secret of [`whsec_${base64}`, base64]) {
        expect((await calls.create({ url: URL, events: ['*'], secret })).body.secret).toBe(`whsec_${base64}`);
      }
    },
  );

  it('answers a repeat with the same idempotency key the same, and keeps no answer in clear for it', async () => {
    const make = () => calls.create({ url: URL, events: ['*'] }).set('Idempotency-Key', 'add-endpoint');
    const [first, second] = [await make(), await make()];
    expect([second.status, second.body]).toEqual([201, first.body]);
    expect(second.headers['idempotent-replayed']).toBe('true');
    const kept = await database.sql(`SELECT * FROM idempotency_keys WHERE scope LIKE '%add-endpoint'`);
    expect(kept).toHaveLength(1);
    expect(JSON.stringify(kept)).not.toContain(first.body.secret.slice(6));
  });

  it('needs no list beside the *', async () => {
    expect((await calls.create({ url: URL, events: ['order.paid', '*'] })).body.events).toEqual(['*']);
  });

  it.each<[string, object, string]>([
    ['no url', { events: ['*'] }, 'url'],
    ['a url without a protocol', { url: 'erp.example', events: ['*'] }, 'url'],
    ['another protocol', { url: 'ftp://erp.example', events: ['*'] }, 'url'],
    ['a file', { url: 'file:///etc/passwd', events: ['*'] }, 'url'],
    ['a user in the url', { url: 'https://ada:secret@erp.example', events: ['*'] }, 'url'],
    ['a url with white space', { url: 'https://erp.example/ hooks', events: ['*'] }, 'url'],
    ['no events', { url: URL }, 'events'],
    ['an empty list of events', { url: URL, events: [] }, 'events'],
    ['an event that there is not', { url: URL, events: ['order.lost'] }, 'events'],
    ['an event twice', { url: URL, events: ['order.paid', 'order.paid'] }, 'events'],
    ['a secret without end', { url: URL, events: ['*'], secret: 'a'.repeat(504) }, 'secret'],
    ['nothing after whsec_', { url: URL, events: ['*'], secret: 'whsec_' }, 'secret'],
    [
      'a secret that is no base64',
      { url: URL, events: ['*'], secret: 'this is a long secret, is it not?' },
      'secret',
    ],
    ['an empty secret', { url: URL, events: ['*'], secret: '' }, 'secret'],
    ['null for the secret', { url: URL, events: ['*'], secret: null }, 'secret'],
    ['an unknown member', { url: URL, events: ['*'], id: 7 }, 'id'],
  ])('refuses %s', async (_, body, field) => {
    const answer = await calls.create(body);
    expect(answer.status).toBe(400);
    expect(answer.body.errors[0].field).toBe(field);
  });

  const LIST = 'events must be a list of known types of events, or of *';
  it.each<[string, object, string]>([
    ['none', {}, LIST],
    ['null', { events: null }, LIST],
    ['a text', { events: 'order.paid' }, LIST],
    ['an unknown one', { events: ['order.lost'] }, LIST],
    ['an empty list', { events: [] }, 'events must not be empty'],
    ['one twice', { events: ['*', '*'] }, 'events must not name one twice'],
  ])('says what is wrong with the events: %s', async (_, events, message) => {
    const answer = await calls.create({ url: URL, ...events });
    expect(answer.body.errors).toEqual([{ field: 'events', message }]);
  });

  it('is for admins', async () => {
    const { headers } = await givenCustomer(app);
    const key = await givenApiKey(app, 'inventory:read', 'inventory:write');
    const post = (auth: object) =>
      request(app.url)
        .post('/api/v1/admin/webhook-endpoints')
        .set(auth as Record<string, string>)
        .send({ url: URL, events: ['*'] });
    expect((await post(headers)).status).toBe(403);
    expect((await post(key.headers)).status).toBe(403);
  });
});

describe('an endpoint', () => {
  it('can be changed, member by member', async () => {
    const { id } = await calls.givenEndpoint(URL);
    const change = await calls.change(id, {
      url: 'https://crm.example/',
      events: ['order.failed'],
      active: false,
    });
    expect(change.status).toBe(200);
    expect(change.body).toMatchObject({
      url: 'https://crm.example/',
      events: ['order.failed'],
      active: false,
    });
    expect((await calls.change(id, { active: true })).body).toMatchObject({
      url: 'https://crm.example/',
      active: true,
    });
    const secret = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
    expect((await calls.change(id, { secret })).text).not.toContain(secret);
    const [row] = await database.sql('SELECT secret FROM webhook_endpoints WHERE id = $1', [id]);
    expect(row?.secret).toBe(secret);
    expect((await calls.change(id, { url: null })).status).toBe(400);
    expect((await calls.change(2_147_483_647, { active: true })).status).toBe(404);
  });

  it('is listed, newest first, by pages', async () => {
    const ids = [];
    for (let n = 0; n < 3; n++) ids.unshift((await calls.givenEndpoint(URL)).id);
    const first = (await calls.get('webhook-endpoints?limit=2&count=true')).body;
    expect(first.webhook_endpoints.map(({ id }: { id: number }) => id)).toEqual(ids.slice(0, 2));
    expect(first.total).toBeGreaterThanOrEqual(3);
    const next = (await calls.get(`webhook-endpoints?limit=1&cursor=${first.next_cursor}`)).body;
    expect(next.webhook_endpoints[0].id).toBe(ids[2]);
  });

  it('is gone when it is removed', async () => {
    const { id } = await calls.givenEndpoint(URL);
    expect((await calls.remove(id)).status).toBe(204);
    expect((await calls.get(`webhook-endpoints/${id}`)).status).toBe(404);
  });
});

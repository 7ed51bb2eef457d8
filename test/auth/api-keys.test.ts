import { Body, Controller, type DynamicModule, Get, Module, Post, Query } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { pino } from 'pino';
import type { Sequelize } from 'sequelize-typescript';
import request from 'supertest';
import { AppModule } from '../../src/app.module.js';
import { Scopes } from '../../src/auth/scopes.js';
import { connect } from '../../src/platform/database/connection.js';
import { describeApi } from '../../src/platform/http/openapi.js';
import { createServer } from '../../src/platform/http/server.js';
import { type Claim, IdempotencyClaim } from '../../src/platform/idempotency/claim.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { type GivenUser, givenAdmin, givenApiKey, givenCustomer } from '../support/given.js';

@Controller('probe')
class ProbeController {
  @Get()
  @Scopes('inventory:read')
  read(@Query('say') say: string) {
    return { say };
  }

  @Post()
  @Scopes('inventory:write')
  write(@Body() _body: object, @IdempotencyClaim() claim: Claim | null) {
    return { scope: claim?.scope };
  }
}

/** The whole application, and routes under `@Scopes` that do nothing. */
@Module({})
class ProbeModule {
  static beside(app: DynamicModule): DynamicModule {
    return { module: ProbeModule, imports: [app], controllers: [ProbeController] };
  }
}

let database: TestDatabase;
let app: TestApp;
let probe: { app: NestFastifyApplication; sequelize: Sequelize; url: string };
let admin: GivenUser;
let customer: GivenUser;

beforeAll(async () => {
  database = await cloneDatabase();
  app = await bootApp(database);
  const sequelize = connect(database.url, app.config);
  const module = ProbeModule.beside(AppModule.with(app.config, sequelize));
  const server = await createServer(module, app.config, pino({ level: 'silent' }));
  await server.listen(0, '127.0.0.1');
  probe = { app: server, sequelize, url: await server.getUrl() };
  admin = await givenAdmin(app, database);
  customer = await givenCustomer(app);
});

afterAll(async () => {
  await probe?.app.close();
  await probe?.sequelize.close();
  await app?.close();
  await database?.drop();
});

const PATH = '/api/v1/admin/api-keys';
const create = (body: unknown, headers: object = admin.headers) =>
  request(app.url)
    .post(PATH)
    .set(headers as Record<string, string>)
    .send(body as object);
const get = (path: string) => request(app.url).get(`${PATH}${path}`).set(admin.headers);
const revoke = (id: number) => request(app.url).delete(`${PATH}/${id}`).set(admin.headers);
const read = (headers: object) =>
  request(probe.url)
    .get('/api/v1/probe')
    .set(headers as Record<string, string>);
const write = (headers: object) =>
  request(probe.url)
    .post('/api/v1/probe')
    .set(headers as Record<string, string>)
    .send({});

describe('making an API key', () => {
  it('shows the key once, and keeps only its hash', async () => {
    const { status, body, headers } = await create({
      name: ' warehouse ',
      scopes: ['inventory:read', 'inventory:write'],
    });
    expect(status).toBe(201);
    expect(headers['cache-control']).toBe('no-store');
    expect(body).toEqual({
      id: expect.any(Number),
      name: 'warehouse',
      scopes: ['inventory:read', 'inventory:write'],
      key: expect.stringMatching(/^hf_[\w-]{43}$/),
      prefix: body.key.slice(0, 11),
      created_at: expect.stringMatching(/Z$/),
      last_used_at: null,
    });
    const { key, ...rest } = body;
    expect((await get(`/${body.id}`)).body).toEqual(rest);
    const rows = await database.sql('SELECT * FROM api_keys WHERE id = $1', [body.id]);
    expect(JSON.stringify(rows)).not.toContain(key.slice(11));
  });

  it('answers a repeat with the same idempotency key the same, and no table has the key in clear', async () => {
    const headers = { ...admin.headers, 'Idempotency-Key': 'make-a-key' };
    const wish = { name: 'a', scopes: ['inventory:read'] };
    const first = await create(wish, headers);
    const second = await create(wish, headers);
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.body).toEqual(first.body);
    expect(second.headers).toMatchObject({ 'idempotent-replayed': 'true', 'cache-control': 'no-store' });
    expect((await read({ 'x-api-key': second.body.key })).status).toBe(200);
    const kept = await database.sql(`SELECT * FROM idempotency_keys WHERE scope LIKE '%make-a-key'`);
    expect(kept).toHaveLength(1);
    expect(JSON.stringify(kept)).not.toContain(first.body.key.slice(3));
    expect((await create({ ...wish, name: 'b' }, headers)).body.code).toBe('idempotency_key_reused');
    expect(await database.sql(`SELECT FROM api_keys WHERE id > $1`, [first.body.id])).toEqual([]);
  });

  const LIST = 'scopes must be a list of inventory:read and inventory:write';
  it.each<[string, unknown, string]>([
    ['no name', { scopes: ['inventory:read'] }, 'name must be between 1 and 100 characters'],
    ['a blank name', { name: ' ', scopes: ['inventory:read'] }, 'name must be between 1 and 100 characters'],
    ['no scopes', { name: 'a' }, LIST],
    ['null for the scopes', { name: 'a', scopes: null }, LIST],
    ['an empty list', { name: 'a', scopes: [] }, 'scopes must not be empty'],
    ['a scope that there is not', { name: 'a', scopes: ['inventory:all'] }, LIST],
    [
      'a scope twice',
      { name: 'a', scopes: ['inventory:read', 'inventory:read'] },
      'scopes must not name one twice',
    ],
    ['a text for the list', { name: 'a', scopes: 'inventory:read' }, LIST],
    [
      'a key of its own',
      { name: 'a', scopes: ['inventory:read'], key: 'hf_mine' },
      'key is not a known member',
    ],
  ])('refuses %s', async (_, body, message) => {
    const answer = await create(body);
    expect(answer.status).toBe(400);
    expect(answer.body.errors).toEqual([{ field: message.split(' ')[0], message }]);
  });

  it('is for admins', async () => {
    const { headers } = await givenApiKey(app, 'inventory:read', 'inventory:write');
    expect((await create({ name: 'a', scopes: ['inventory:read'] }, customer.headers)).status).toBe(403);
    expect((await create({ name: 'a', scopes: ['inventory:read'] }, headers)).status).toBe(403);
  });
});

describe('the list of API keys', () => {
  it('is paged, newest first, without the keys', async () => {
    const ids = [];
    for (let n = 0; n < 3; n++) ids.unshift((await givenApiKey(app, 'inventory:read')).id);
    const first = (await get('?limit=2&count=true')).body;
    expect(first.api_keys.map(({ id }: { id: number }) => id)).toEqual(ids.slice(0, 2));
    expect(first.total).toBeGreaterThanOrEqual(3);
    expect(first.api_keys[0]).not.toHaveProperty('key');
    expect(first.api_keys[0]).not.toHaveProperty('key_hash');
    const second = (await get(`?limit=1&cursor=${first.next_cursor}`)).body;
    expect(second.api_keys[0].id).toBe(ids[2]);
  });

  it('answers 404 for a key that there is not, and 400 for what is no id', async () => {
    expect((await get('/2147483647')).status).toBe(404);
    expect((await get('/key')).status).toBe(400);
  });
});

describe('a route under @Scopes', () => {
  it('lets in a key with the scope, and admins', async () => {
    const reader = await givenApiKey(app, 'inventory:read');
    const writer = await givenApiKey(app, 'inventory:write');
    expect((await read(reader.headers)).status).toBe(200);
    expect((await write(writer.headers)).status).toBe(201);
    expect((await read(admin.headers)).status).toBe(200);
    expect((await write(admin.headers)).status).toBe(201);
  });

  it('refuses a key without the scope: none implies another', async () => {
    const reader = await givenApiKey(app, 'inventory:read');
    const writer = await givenApiKey(app, 'inventory:write');
    for (const answer of [await write(reader.headers), await read(writer.headers)]) {
      expect(answer.status).toBe(403);
      expect(answer.body.code).toBe('forbidden');
    }
    expect((await read(writer.headers)).body.detail).toBe(
      'this needs the role admin or an API key with the scope inventory:read',
    );
  });

  it('refuses a customer, with a key beside the token as well', async () => {
    const { headers } = await givenApiKey(app, 'inventory:read');
    expect((await read(customer.headers)).status).toBe(403);
    expect((await read({ ...customer.headers, ...headers })).status).toBe(403);
  });

  it('asks a stranger for a token or a key', async () => {
    const { status, body } = await read({});
    expect(status).toBe(401);
    expect(body).toMatchObject({
      code: 'unauthenticated',
      detail: 'an access token or an API key is required',
    });
  });

  it.each<[string, () => string]>([
    ['was never made', () => `hf_${'A'.repeat(43)}`],
    ['is none', () => 'holdfast'],
    ['is empty', () => ''],
    ['is two', () => `hf_${'A'.repeat(43)}, hf_${'A'.repeat(43)}`],
    ['is an access token', () => admin.token],
  ])('refuses a key that %s', async (_, key) => {
    const { status, body } = await read({ 'x-api-key': key() });
    expect(status).toBe(401);
    expect(body.code).toBe('invalid_api_key');
  });

  it('refuses a bad token, whatever key is beside it', async () => {
    const { headers } = await givenApiKey(app, 'inventory:read');
    const { status, body } = await read({ ...headers, authorization: 'Bearer holdfast' });
    expect(status).toBe(401);
    expect(body.code).toBe('invalid_token');
  });

  const ROLE = 'this needs the role admin';
  const USER = 'this needs the access token of a user: an API key is not enough';
  it.each([
    ['/inventory/audit', ROLE],
    ['/admin/orders', ROLE],
    ['/cart', USER],
    ['/orders', USER],
    ['/auth/me', USER],
  ])('is the only one that a key opens: at %s the known system is forbidden', async (path, detail) => {
    const at = (headers: Record<string, string>) => request(app.url).get(`/api/v1${path}`).set(headers);
    const { id, headers } = await givenApiKey(app, 'inventory:read', 'inventory:write');
    const known = await at(headers);
    expect([known.status, known.body.code, known.body.detail]).toEqual([403, 'forbidden', detail]);
    const beside = await at({ ...headers, authorization: 'Bearer holdfast' });
    expect([beside.status, beside.body.code]).toEqual([401, 'invalid_token']);
    expect((await at({ ...headers, ...admin.headers })).status).toBe(200);
    await revoke(id);
    for (const key of [headers['x-api-key'], `hf_${'A'.repeat(43)}`, 'holdfast', '']) {
      const { status, body } = await at({ 'x-api-key': key });
      expect([status, body.code]).toEqual([401, 'invalid_api_key']);
    }
  });

  it('is not needed where nobody is asked for: any key is overlooked there', async () => {
    const { headers } = await givenApiKey(app, 'inventory:read');
    for (const key of [headers, { 'x-api-key': 'holdfast' }])
      expect((await request(app.url).get('/api/v1/products').set(key)).status).toBe(200);
  });

  it('says in the API docs that it takes either', async () => {
    const document = describeApi(probe.app, {});
    expect(document.components?.securitySchemes?.api_key).toMatchObject({
      type: 'apiKey',
      in: 'header',
      name: 'X-Api-Key',
    });
    const operation = document.paths['/api/v1/probe']?.get;
    expect(operation?.security).toEqual(expect.arrayContaining([{ access_token: [] }, { api_key: [] }]));
    expect(operation?.security).toHaveLength(2);
    expect(Object.keys(operation?.responses ?? {})).toEqual(expect.arrayContaining(['401', '403']));
  });

  it('gives keys idempotency keys of their own, apart from those of users', async () => {
    const writer = await givenApiKey(app, 'inventory:write');
    const key = { 'Idempotency-Key': 'k' };
    expect((await write({ ...writer.headers, ...key })).body.scope).toBe(
      `key:${writer.id} POST /api/v1/probe k`,
    );
    expect((await write({ ...admin.headers, ...key })).body.scope).toBe(`${admin.id} POST /api/v1/probe k`);
  });
});

describe('revoking an API key', () => {
  it('takes effect at once, in every instance', async () => {
    const { id, headers } = await givenApiKey(app, 'inventory:read');
    expect((await read(headers)).status).toBe(200);
    // One instance revokes, another is asked.
    expect((await revoke(id)).status).toBe(204);
    const { status, body } = await read(headers);
    expect(status).toBe(401);
    expect(body).toMatchObject({
      code: 'invalid_api_key',
      detail: 'the API key is invalid or has been revoked',
    });
    expect((await revoke(id)).status).toBe(404);
    expect((await get(`/${id}`)).status).toBe(404);
  });
});

describe('the last use of an API key', () => {
  const lastUse = async (id: number) => (await get(`/${id}`)).body.last_used_at as string | null;

  it('is noted at most once a minute', async () => {
    const { id, headers } = await givenApiKey(app, 'inventory:read');
    expect(await lastUse(id)).toBeNull();
    await read(headers);
    const first = await lastUse(id);
    expect(first).not.toBeNull();
    await read(headers);
    expect(await lastUse(id)).toBe(first);
    await database.sql(`UPDATE api_keys SET last_used_at = now() - interval '61 seconds' WHERE id = $1`, [
      id,
    ]);
    await read(headers);
    expect(Date.parse((await lastUse(id)) as string)).toBeGreaterThanOrEqual(Date.parse(first as string));
  });

  it('makes no call wait for another', async () => {
    const { headers } = await givenApiKey(app, 'inventory:read');
    const answers = await Promise.all(Array.from({ length: 20 }, () => read(headers)));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
  });
});

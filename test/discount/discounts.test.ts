import { randomUUID } from 'node:crypto';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { givenDiscount, givenGuest, newCode } from '../support/given-benefits.js';
import {
  expectProblem,
  givenAdminShopper,
  givenProduct,
  givenShopper,
  type Shopper,
} from '../support/given-shop.js';

let database: TestDatabase;
let app: TestApp;
let admin: Shopper;
let ada: Shopper;

beforeAll(async () => {
  database = await cloneDatabase();
  app = await bootApp(database);
  [admin, ada] = await Promise.all([givenAdminShopper(app, database), givenShopper(app)]);
});
afterAll(async () => {
  await app.close();
  await database.drop();
});

const create = (members: object, key?: string) =>
  admin.send('POST', '/discounts', {
    body: { code: newCode(), kind: 'percentage', value: 10, ...members },
    key,
  });
const change = (id: number, members: object) => admin.send('PATCH', `/discounts/${id}`, { body: members });
const get = (id: number) => admin.send('GET', `/discounts/${id}`);
const remove = (id: number) => admin.send('DELETE', `/discounts/${id}`);
const given = async (members: object = {}) => (await create(members)).body;

describe('an admin', () => {
  it('makes a percentage', async () => {
    const code = newCode();
    const { status, body } = await create({ code, value: 12.5 });
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.any(Number),
      code,
      kind: 'percentage',
      value: 12.5,
      min_items_price: 0,
      starts_at: null,
      ends_at: null,
      usage_limit: null,
      per_user_limit: null,
      times_used: 0,
      active: true,
      created_at: expect.any(String),
      updated_at: expect.any(String),
    });
    expect((await get(body.id)).body).toEqual(body);
  });

  it('makes a fixed amount with every bound there is', async () => {
    const bounds = {
      kind: 'fixed',
      value: 19.99,
      min_items_price: 49.9,
      starts_at: '2026-11-01T00:00:00.000Z',
      ends_at: '2026-12-01T00:00:00.000Z',
      usage_limit: 100,
      per_user_limit: 1,
      active: false,
    };
    expect((await create(bounds)).body).toMatchObject(bounds);
  });

  it('may leave out what has no bound', async () => {
    const code = newCode();
    const nothing = { min_items_price: null, starts_at: null, ends_at: null, usage_limit: null };
    const { status, body } = await create({ code, ...nothing });
    expect(status).toBe(201);
    expect(body).toMatchObject({ code, min_items_price: 0, starts_at: null, usage_limit: null });
  });

  it('makes one discount a code, however often it is tried', async () => {
    const code = newCode();
    const answers = await Promise.all(Array.from({ length: 5 }, () => create({ code })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409]);
    expectProblem(await create({ code }), 409, 'code_taken', `the code ${code} is already taken`);
  });

  it('makes one discount an idempotency key, and is answered the same', async () => {
    const key = randomUUID();
    const code = newCode();
    const first = await create({ code }, key);
    const again = await create({ code }, key);
    expect([again.status, again.body]).toEqual([201, first.body]);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expectProblem(await create({ code: newCode() }, key), 422, 'idempotency_key_reused');
  });

  it.each([
    ['code', { code: 'AB' }, 'code must be 3 to 20 of the letters A to Z and the digits'],
    ['code', { code: 'A'.repeat(21) }, 'code must be 3 to 20 of the letters A to Z and the digits'],
    ['code', { code: 'AUTUMN 15' }, 'code must be 3 to 20 of the letters A to Z and the digits'],
    ['code', { code: 'autumn15' }, 'code must be 3 to 20 of the letters A to Z and the digits'],
    ['code', { code: 'Autumn15' }, 'code must be 3 to 20 of the letters A to Z and the digits'],
    ['code', { code: ' AUTUMN15' }, 'code must be 3 to 20 of the letters A to Z and the digits'],
    ['code', { code: 'AUTUMN15\n' }, 'code must be 3 to 20 of the letters A to Z and the digits'],
    ['code', { code: 'ÄPFEL' }, 'code must be 3 to 20 of the letters A to Z and the digits'],
    ['code', { code: null }, 'code must be 3 to 20 of the letters A to Z and the digits'],
    ['kind', { kind: 'gift' }, 'kind must be one of percentage, fixed'],
    ['value', { value: 0 }, 'value must be a number greater than 0 and at most 1000000000'],
    ['value', { value: '10' }, 'value must be a number greater than 0 and at most 1000000000'],
    ['value', { value: 100.01 }, 'value must be at most 100 percent'],
    ['value', { value: 12.345 }, 'value must be exact to 2 decimals of a percent'],
    ['value', { kind: 'fixed', value: 0.005 }, 'value must be exact to 2 decimals'],
    [
      'min_items_price',
      { min_items_price: -1 },
      'min_items_price must be a number between 0 and 10000000000000',
    ],
    ['starts_at', { starts_at: 'soon' }, 'starts_at must be an ISO 8601 date, or a time with its zone'],
    ['starts_at', { starts_at: '2026-02-30' }, 'starts_at must be an ISO 8601 date, or a time with its zone'],
    [
      'starts_at',
      { starts_at: '2026-02-20T10:00' },
      'starts_at must be an ISO 8601 date, or a time with its zone',
    ],
    [
      'starts_at',
      { starts_at: '2026-02-20 10:00' },
      'starts_at must be an ISO 8601 date, or a time with its zone',
    ],
    ['starts_at', { starts_at: '1969-12-31' }, 'starts_at must be an ISO 8601 date, or a time with its zone'],
    ['ends_at', { ends_at: 1_764_000_000 }, 'ends_at must be an ISO 8601 date, or a time with its zone'],
    ['ends_at', { starts_at: '2026-11-02', ends_at: '2026-11-02' }, 'ends_at must be after starts_at'],
    ['usage_limit', { usage_limit: 0 }, 'usage_limit must be a whole number between 1 and 2147483647'],
    [
      'per_user_limit',
      { per_user_limit: 1.5 },
      'per_user_limit must be a whole number between 1 and 2147483647',
    ],
    ['active', { active: null }, 'active must be true or false'],
    ['times_used', { times_used: 5 }, 'times_used is not a known member'],
  ])('is told what is wrong with %s: %j', async (field, members, message) => {
    const answer = await create(members);
    expectProblem(answer, 400, 'validation_failed', message);
    expect(answer.body.errors).toEqual([{ field, message }]);
  });

  it('sees all of them, newest first, a page at a time', async () => {
    const ids = [];
    for (let n = 0; n < 3; n++) ids.unshift((await given()).id);
    const first = (await admin.send('GET', '/discounts?limit=2&count=true')).body;
    expect(first.discounts.map(({ id }: { id: number }) => id)).toEqual(ids.slice(0, 2));
    const [{ total }] = (await database.sql('SELECT count(*)::int AS total FROM discounts')) as [
      { total: number },
    ];
    expect(first.total).toBe(total);
    const next = (await admin.send('GET', `/discounts?limit=1&cursor=${first.next_cursor}`)).body;
    expect(next.discounts[0].id).toBe(ids[2]);
    expect(next).not.toHaveProperty('total');
    expectProblem(await admin.send('GET', '/discounts?cursor=x'), 400, 'validation_failed');
    expectProblem(await admin.send('GET', '/discounts?limit=0'), 400, 'validation_failed');
  });

  it('changes what is named, and takes bounds away with null', async () => {
    const before = await given({ usage_limit: 5, ends_at: '2030-01-01', min_items_price: 10 });
    const { status, body } = await change(before.id, { value: 20, usage_limit: null, ends_at: null });
    expect(status).toBe(200);
    expect(body).toEqual({
      ...before,
      value: 20,
      usage_limit: null,
      ends_at: null,
      updated_at: body.updated_at,
    });
    expect((await change(before.id, {})).body).toMatchObject({ value: 20, min_items_price: 10 });
    expect((await change(before.id, { min_items_price: null })).body.min_items_price).toBe(0);
  });

  it('makes a percentage an amount only with a value', async () => {
    const { id } = await given({ value: 20 });
    expectProblem(
      await change(id, { kind: 'fixed' }),
      400,
      'validation_failed',
      'value must be given with another kind',
    );
    expect((await change(id, { kind: 'fixed', value: 150.5 })).body).toMatchObject({
      kind: 'fixed',
      value: 150.5,
    });
    expect((await change(id, { kind: 'fixed' })).status).toBe(200);
    expectProblem(await change(id, { kind: 'percentage', value: 150.5 }), 400, 'validation_failed');
  });

  it('cannot change to what could not be made', async () => {
    const [{ id }, other] = [await given({ starts_at: '2026-11-02' }), await given()];
    expectProblem(await change(id, { code: other.code }), 409, 'code_taken');
    expectProblem(await change(id, { ends_at: '2026-11-01' }), 400, 'validation_failed');
    for (const code of [null, newCode().toLowerCase(), ` ${newCode()}`])
      expectProblem(await change(id, { code }), 400, 'validation_failed');
    expectProblem(await change(id, { times_used: 0 }), 400, 'validation_failed');
    expect((await get(id)).body.ends_at).toBeNull();
  });

  it('is told that there is no such discount', async () => {
    for (const answer of [
      await get(2_147_483_647),
      await change(2_147_483_647, {}),
      await remove(2_147_483_647),
    ])
      expectProblem(answer, 404, 'not_found', 'discount not found');
    expectProblem(await admin.send('GET', '/discounts/x'), 400, 'validation_failed');
  });

  it('removes one that was never used, and its code is free', async () => {
    const { id, code } = await given();
    expect((await remove(id)).status).toBe(204);
    expectProblem(await get(id), 404, 'not_found');
    expectProblem(await remove(id), 404, 'not_found');
    expect(await database.sql('SELECT FROM discounts WHERE id = $1', [id])).toEqual([]);
    expect((await create({ code })).status).toBe(201);
  });
});

describe('who is no admin', () => {
  it('makes, sees, changes and removes none', async () => {
    const { id } = await given();
    for (const answer of [
      await ada.send('POST', '/discounts', { body: {} }),
      await ada.send('GET', '/discounts'),
      await ada.send('GET', `/discounts/${id}`),
      await ada.send('PATCH', `/discounts/${id}`, { body: { active: false } }),
      await ada.send('DELETE', `/discounts/${id}`),
    ])
      expectProblem(answer, 403, 'forbidden');
  });
});

describe('POST /discounts/validate', () => {
  const validate = (code: unknown, items_price: unknown = 100, who = ada) =>
    who.send('POST', '/discounts/validate', { body: { code, items_price } });

  it('says what the code takes off, and uses nothing', async () => {
    const code = await givenDiscount(database, { value: 12.5, usage_limit: 1 });
    for (let n = 0; n < 2; n++) {
      const { status, body } = await validate(code, 10.04);
      expect(status).toBe(200);
      expect(body).toEqual({
        valid: true,
        code,
        kind: 'percentage',
        value: 12.5,
        items_price: 10.04,
        discount_price: 1.26,
        currency: 'USD',
      });
    }
    const [row] = await database.sql('SELECT times_used FROM discounts WHERE code = $1', [code]);
    expect(row).toEqual({ times_used: 0 });
  });

  it('takes it as people type it, from guests as well', async () => {
    const code = await givenDiscount(database, { kind: 'fixed', value: 5 });
    const guest = await givenGuest(app, database);
    expect((await validate(` ${code.toLowerCase()}`, 3, guest)).body).toMatchObject({
      code,
      discount_price: 3,
    });
  });

  it.each([
    ['unknown', {}, (code: string) => `${code}X`, 'is unknown'],
    ['inactive', { active: false }, (code: string) => code, 'is inactive'],
    ['not_started', { starts_at: '2999-01-01' }, (code: string) => code, 'has not started'],
    ['ended', { ends_at: '2020-01-01' }, (code: string) => code, 'has ended'],
    [
      'min_items_price',
      { min_items_price: 100.01 },
      (code: string) => code,
      'needs items for at least 100.01',
    ],
  ])('refuses one that is %s, with the reason', async (reason, members, typed, sentence) => {
    const code = await givenDiscount(database, members);
    const answer = await validate(typed(code));
    expectProblem(answer, 400, 'discount_invalid', `the discount code ${typed(code)} ${sentence}`);
    expect(answer.body.reason).toBe(reason);
  });

  it('refuses as unknown what is no code at all, and one that was removed', async () => {
    for (const typed of ['-', 'not a code', "'; DROP TABLE discounts", 'ß'])
      expect((await validate(typed)).body).toMatchObject({ code: 'discount_invalid', reason: 'unknown' });
    const { id, code } = await given();
    await remove(id);
    expect((await validate(code)).body).toMatchObject({ code: 'discount_invalid', reason: 'unknown' });
  });

  it('needs to know who asks, and for what', async () => {
    expectProblem(await validate(undefined), 400, 'validation_failed');
    expectProblem(await validate('AUTUMN15', '100'), 400, 'validation_failed');
    expectProblem(await validate('AUTUMN15', 0.001), 400, 'validation_failed');
    expectProblem(await validate('\u0000', 1), 400, 'validation_failed');
    const answer = await fetch(`${app.url}/api/v1/discounts/validate`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    expect(answer.status).toBe(401);
  });
});

describe('the tables', () => {
  it.each([
    ['a percentage above 100', 'discounts_basis_points_check', `basis_points = 10001`],
    ['nothing off', 'discounts_basis_points_check', 'basis_points = 0'],
    ['a code in small letters', 'discounts_code_check', `code = 'abc'`],
    ['both a percentage and an amount', 'discounts_check1', 'amount_minor = 5'],
    ['more uses than there may be', 'discounts_usage_limit_kept', 'usage_limit = 3, times_used = 4'],
    ['fewer uses than none', 'discounts_times_used_check', 'times_used = -1'],
    ['an end before the start', 'discounts_period', `starts_at = now(), ends_at = now()`],
  ])('hold no discount with %s', async (_, constraint, setting) => {
    const code = await givenDiscount(database);
    await expect(
      database.sql(`UPDATE discounts SET ${setting} WHERE code = $1`, [code]),
    ).rejects.toMatchObject({
      constraint,
    });
  });

  it('hold one use an order', async () => {
    const product_id = await givenProduct(database);
    const { id } = await ada.order([{ product_id, quantity: 1 }]);
    const code = await givenDiscount(database);
    const use = `INSERT INTO discount_uses (order_id, discount_id, user_id, discount_price_minor)
      SELECT $1, id, $2, 1 FROM discounts WHERE code = $3`;
    await database.sql(use, [id, ada.id, code]);
    await expect(database.sql(use, [id, ada.id, code])).rejects.toMatchObject({
      constraint: 'discount_uses_pkey',
    });
    await database.sql('DELETE FROM discount_uses WHERE order_id = $1', [id]);
  });
});

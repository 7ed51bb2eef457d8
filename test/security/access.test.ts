import { randomUUID } from 'node:crypto';
import { type GivenUser, givenApiKey } from '../support/given.js';
import { givenCart, givenShopper } from '../support/given-shop.js';
import { expectAuditClean } from '../support/promises.js';
import { type Operation, type Said, Surface } from './surface.js';

/** Routes that ask for nobody, and why. Whatever is not here must ask. */
const PUBLIC: Record<string, string> = {
  'get /health': 'a probe',
  'get /health/ready': 'a probe',
  'post /api/v1/auth/guest': 'is how one becomes a guest',
  'post /api/v1/auth/register': 'is how one becomes a customer',
  'post /api/v1/auth/login': 'asks for a password',
  'post /api/v1/auth/refresh': 'asks for a refresh token',
  'post /api/v1/auth/logout': 'asks for a refresh token',
  'get /api/v1/products': 'the shop window',
  'get /api/v1/products/{id}': 'the shop window',
  'get /api/v1/storefronts': 'the shop window',
  'get /api/v1/storefronts/{id}': 'the shop window',
  'post /api/v1/inventory/check': 'tells no more than the shop window',
  'post /api/v1/payments/webhooks/yookassa': 'the payment is read back from the provider',
  'post /api/v1/payments/webhooks/stripe': 'is signed',
};

/** Routes for whoever has logged in, also as a guest, and what keeps one from the things of another. */
const OF_USERS: Record<string, string> = {
  'get /api/v1/auth/me': 'has no id',
  'get /api/v1/points': 'has no id',
  'get /api/v1/cart': 'has no id',
  'delete /api/v1/cart': 'has no id',
  'post /api/v1/cart/items': 'has no id',
  'put /api/v1/cart/items/{product_id}': 'the id is of a product, the cart always the own one',
  'patch /api/v1/cart/items/{product_id}': 'the id is of a product, the cart always the own one',
  'delete /api/v1/cart/items/{product_id}': 'the id is of a product, the cart always the own one',
  'get /api/v1/orders': 'has no id',
  'post /api/v1/orders': 'has no id',
  'post /api/v1/checkout': 'has no id',
  'post /api/v1/discounts/validate': 'has no id',
  'get /api/v1/orders/{id}': 'tested below',
  'post /api/v1/orders/{id}/cancel': 'tested below',
  'get /api/v1/orders/{id}/payments': 'tested below',
  'post /api/v1/orders/{id}/payments': 'tested below',
  'get /api/v1/payments/{id}': 'tested below',
  'get /api/v1/checkout/{id}': 'tested below',
};

/** Routes that the document does not tell of, and why. None of them changes anything. */
const UNDOCUMENTED = [/^get \/docs(\/|$)/, /^get \/openapi\.json$/, /^get \/metrics$/, /^get \/admin(\/|$)/];

let surface: Surface;
let customer: GivenUser;
let guest: GivenUser;
let readKey: { headers: Record<string, string> };
let writeKey: { headers: Record<string, string> };

beforeAll(async () => {
  surface = await Surface.open();
  [customer, guest] = await Promise.all([surface.customer(), surface.guest()]);
  readKey = await givenApiKey(surface.app, 'inventory:read');
  writeKey = await givenApiKey(surface.app, 'inventory:write');
});

afterAll(async () => {
  await expectAuditClean(surface.app);
  await surface.close();
});

const STRANGER = { headers: {} };

/** The example of the document, sent as somebody. */
async function sendAs(who: { headers: Record<string, string> }, operation: Operation, id?: string | number) {
  const { headers, body } = surface.exampleOf(operation);
  return surface.send(operation.method, surface.pathOf(operation, id), {
    headers: { ...headers, ...who.headers },
    body,
  });
}

/** `[where, status, code]`, so that an expectation can say where it failed. */
const told = ({ where }: Operation, { status, body }: Said) => [where, status, body?.code];

describe('the routes of the server', () => {
  it('are those of the document, and what is reasoned here', () => {
    const documented = new Set(surface.operations.map(({ where }) => where));
    expect(surface.routes.length).toBeGreaterThan(80);
    const unknown = surface.routes.filter(
      (route) => !documented.has(route) && !UNDOCUMENTED.some((reasoned) => reasoned.test(route)),
    );
    expect(unknown).toEqual([]);
    expect([...documented].filter((where) => !surface.routes.includes(where))).toEqual([]);
  });

  it('ask for an admin or a key wherever it is not reasoned here that they need not', () => {
    expect(
      surface
        .of('nobody')
        .map(({ where }) => where)
        .sort(),
    ).toEqual(Object.keys(PUBLIC).sort());
    expect(
      surface
        .of('user')
        .map(({ where }) => where)
        .sort(),
    ).toEqual(Object.keys(OF_USERS).sort());
    for (const { where, asks } of surface.operations) {
      if (where.includes('/admin/')) expect([where, asks]).toEqual([where, 'admin']);
      if (asks === 'scope') expect(where).toContain(' /api/v1/inventory/');
    }
  });

  it('have ids of which there is a real thing each', () => {
    const collections = surface.operations.flatMap(({ collection }) => collection ?? []);
    expect([...new Set(collections)].sort()).toEqual(Object.keys(surface.things).sort());
    // One id in each path: with two, the second could be of somebody else.
    for (const { path } of surface.operations) expect(path.match(/\{/g)?.length ?? 0).toBeLessThan(2);
  });
});

describe('every route', () => {
  it('for admins refuses everybody else, whether the thing is there or not', async () => {
    const all = surface.of('admin');
    expect(all.length).toBeGreaterThan(30);
    // That a key is used is noted, once a minute.
    await surface.send('get', '/api/v1/cart', writeKey);
    const before = await surface.contents();
    for (const operation of all) {
      for (const id of operation.collection === null ? [undefined] : [undefined, unknownId(operation)]) {
        const stranger = await sendAs(STRANGER, operation, id);
        expect(told(operation, stranger)).toEqual([operation.where, 401, 'unauthenticated']);
        for (const who of [customer, guest, writeKey]) {
          expect(told(operation, await sendAs(who, operation, id))).toEqual([
            operation.where,
            403,
            'forbidden',
          ]);
        }
      }
    }
    expect(await surface.contents()).toEqual(before);
  });

  it('with a scope refuses users, and keys without it', async () => {
    const all = surface.of('scope');
    expect(all.length).toBeGreaterThan(10);
    await sendAs(readKey, all.find(({ method }) => method === 'get') as Operation);
    await sendAs(writeKey, all.find(({ method }) => method === 'get') as Operation);
    const before = await surface.contents();
    for (const operation of all) {
      const lacking = operation.method === 'get' ? writeKey : readKey;
      expect(told(operation, await sendAs(STRANGER, operation))).toEqual([
        operation.where,
        401,
        'unauthenticated',
      ]);
      for (const who of [customer, guest, lacking]) {
        expect(told(operation, await sendAs(who, operation))).toEqual([operation.where, 403, 'forbidden']);
      }
      const forged = { headers: { 'x-api-key': `hf_${'A'.repeat(43)}` } };
      expect(told(operation, await sendAs(forged, operation))).toEqual([
        operation.where,
        401,
        'invalid_api_key',
      ]);
    }
    expect(await surface.contents()).toEqual(before);
  });

  it('of users refuses strangers and keys', async () => {
    for (const key of [readKey, writeKey]) await surface.send('get', '/api/v1/cart', key);
    const before = await surface.contents();
    for (const operation of surface.of('user')) {
      const stranger = await sendAs(STRANGER, operation);
      expect(told(operation, stranger)).toEqual([operation.where, 401, 'unauthenticated']);
      for (const key of [readKey, writeKey])
        expect(told(operation, await sendAs(key, operation))).toEqual([operation.where, 403, 'forbidden']);
    }
    expect(await surface.contents()).toEqual(before);
  });

  it('that shows a thing shows it to those whom it is for', async () => {
    const showing = surface.operations.filter(({ method, path }) => method === 'get' && path.includes('{'));
    expect(showing.length).toBeGreaterThan(10);
    for (const operation of showing) {
      const who = operation.asks === 'user' ? surface.ada.user : surface.admin.user;
      expect([operation.where, (await sendAs(who, operation)).status]).toEqual([operation.where, 200]);
      if (operation.asks !== 'scope') continue;
      expect([operation.where, (await sendAs(readKey, operation)).status]).toEqual([operation.where, 200]);
    }
  });
});

describe('a thing of somebody else', () => {
  const ownable = () =>
    surface.of('user').filter(({ where }) => where.includes('{') && OF_USERS[where] === 'tested below');

  it('is not there, in the same words as what really is not', async () => {
    expect(ownable().length).toBeGreaterThan(5);
    const before = await surface.contents();
    for (const operation of ownable()) {
      const unknown = await sendAs(customer, operation, unknownId(operation));
      expect(unknown.status).toBe(404);
      for (const who of [customer, guest, surface.admin.user]) {
        const said = await sendAs(who, operation);
        expect(told(operation, said)).toEqual([operation.where, 404, 'not_found']);
        expect(said.body.detail).toBe(unknown.body.detail);
      }
    }
    expect(await surface.contents()).toEqual(before);
  });

  it('is there for its owner', async () => {
    for (const operation of ownable()) {
      const order = await surface.ada.order([{ product_id: surface.things.products as number, quantity: 1 }]);
      const id = operation.collection === 'orders' ? order.id : undefined;
      const { status, text } = await sendAs(surface.ada.user, operation, id);
      expect([operation.where, status, text]).toEqual([operation.where, expect.any(Number), text]);
      expect(Math.floor(status / 100)).toBe(2);
    }
  });

  it('is in no list but of its owner', async () => {
    const mine = await surface.send('get', '/api/v1/orders', { headers: surface.ada.user.headers });
    expect(mine.body.orders.length).toBeGreaterThan(0);
    for (const { headers } of [customer, guest, surface.admin.user]) {
      const { body } = await surface.send('get', '/api/v1/orders', { headers });
      expect(body.orders).toEqual([]);
    }
  });

  it('stays in the cart when another changes the same product in their own', async () => {
    const product_id = surface.things.products as number;
    const before = await surface.ada.cart();
    const other = await givenCart(surface.app, { product_id, quantity: 5 });
    const stranger = await givenShopper(surface.app);
    for (const method of ['PUT', 'PATCH', 'DELETE']) {
      const body = { PUT: { quantity: 9 }, PATCH: { delta: 1 }, DELETE: undefined }[method];
      expect((await other.send(method, `/cart/items/${product_id}`, { body })).status).toBe(200);
      expect((await stranger.send(method, `/cart/items/${product_id}`, { body })).status).toBe(404);
    }
    expect(await surface.ada.cart()).toEqual(before);
  });
});

/** An id that is well formed, and of nothing. */
function unknownId({ collection }: Operation): string | number {
  return typeof surface.things[collection as string] === 'number' ? 2_000_000_000 : randomUUID();
}

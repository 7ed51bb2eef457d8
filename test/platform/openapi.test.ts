import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import {
  type RunningSandboxGateway,
  startSandboxGateway,
} from '../../src/payment/sandbox/sandbox-gateway.js';
import { PROBLEM_MEMBERS } from '../../src/problem-members.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { type GivenUser, givenAdmin, givenCustomer } from '../support/given.js';

type Schema = Record<string, any>;
type Media = { schema: Schema; example?: unknown };
type Operation = {
  summary?: string;
  tags?: string[];
  operationId?: string;
  security?: Record<string, string[]>[];
  parameters?: Schema[];
  requestBody?: { content: Record<string, Media> };
  responses: Record<string, { description: string; content?: Record<string, Media> }>;
};

let folder: string;
let gateway: RunningSandboxGateway;
let database: TestDatabase;
let app: TestApp;
let text: string;
let document: any;
let customer: GivenUser;
let admin: GivenUser;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-openapi-'));
  const ledgerFile = join(folder, 'ledger.jsonl');
  gateway = await startSandboxGateway({ port: 0, ledgerFile, shopId: 'shop', secretKey: 'key' });
  database = await cloneDatabase();
  app = await bootApp(database, {
    YOOKASSA_API_URL: gateway.url,
    YOOKASSA_SHOP_ID: 'shop',
    YOOKASSA_SECRET_KEY: 'key',
  });
  text = await (await fetch(`${app.url}/openapi.json`)).text();
  document = JSON.parse(text);
  customer = await givenCustomer(app);
  admin = await givenAdmin(app, database);
});

afterAll(async () => {
  await app.close();
  await database.drop();
  await gateway.close();
  await rm(folder, { recursive: true });
});

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

/** Each operation as `[where, operation]`, so that an expectation can say where it failed. */
function operations(): [string, Operation][] {
  return Object.entries<any>(document.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method): [string, Operation] => [
      `${method} ${path}`,
      item[method],
    ]),
  );
}

/** Every object of the document, with where it stands. */
function* nodes(node: unknown, where = '#'): Generator<[string, Schema]> {
  if (typeof node !== 'object' || node === null) return;
  yield [where, node as Schema];
  for (const [key, value] of Object.entries(node)) yield* nodes(value, `${where}/${key}`);
}

/** Every body of the document: `[where, media type, what is said of it]`. */
function bodies(): [string, string, Media][] {
  return operations().flatMap(([where, { requestBody, responses }]) =>
    Object.entries({ body: requestBody, ...responses }).flatMap(([part, said]) =>
      Object.entries(said?.content ?? {}).map(([type, media]): [string, string, Media] => [
        `${where} ${part}`,
        type,
        media,
      ]),
    ),
  );
}

/** A validator that knows the document's schemas, in which no object may have a member that is not documented. */
function validator(): Ajv2020 {
  const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true });
  (formats as unknown as { default: (ajv: Ajv2020) => void }).default(ajv);
  ajv.addVocabulary(['example', 'components']);
  const schemas = structuredClone(document.components.schemas);
  for (const [name, schema] of Object.entries<Schema>(schemas)) {
    // What all problems have is a part of those that have members of their own: see `problemIn`.
    if (!name.startsWith('Problem') && !name.endsWith('Problem')) schema.additionalProperties = false;
  }
  return ajv.addSchema({ $id: 'document', components: { schemas } });
}

const inDocument = (schema: Schema): Schema =>
  JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"document#/components'));

/** What is said of one problem among those that an answer may be; it then may have no other member. */
function problemIn({ schema }: Media, code: string): Schema {
  const described = `${code.replace(/(?:^|_)(.)/g, (_, letter) => letter.toUpperCase())}Problem`;
  const name = described in document.components.schemas ? described : 'ProblemView';
  const reference = { $ref: `#/components/schemas/${name}` };
  expect([code, schema.anyOf ?? [schema]]).toEqual([code, expect.arrayContaining([reference])]);
  return { type: 'object', allOf: [reference], unevaluatedProperties: false };
}

/** What a value does wrong by a schema of the document; null when nothing. */
function faultsIn(value: unknown, schema: Schema, ajv: Ajv2020): unknown {
  // By reference it is compiled once.
  const known = schema.$ref && ajv.getSchema(schema.$ref.replace('#', 'document#'));
  const validate = known || ajv.compile(inDocument(schema));
  validate(value);
  return validate.errors;
}

describe('the document', () => {
  it('is the one in docs/openapi.json, byte for byte (npm run docs:api)', async () => {
    expect(text).toBe(await readFile(new URL('../../docs/openapi.json', import.meta.url), 'utf8'));
  });

  it('is OpenAPI 3.1, served as JSON', async () => {
    const { headers } = await fetch(`${app.url}/openapi.json`);
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(document.openapi).toMatch(/^3\.1\./);
    expect(document.info).toMatchObject({ title: 'Holdfast', version: expect.any(String) });
  });

  it('says nothing in the words of 3.0', () => {
    const old = [...nodes(document)].filter(
      ([, node]) =>
        'nullable' in node ||
        typeof node.exclusiveMinimum === 'boolean' ||
        typeof node.exclusiveMaximum === 'boolean',
    );
    expect(old).toEqual([]);
  });

  it('refers only to what is there', () => {
    const references = [...nodes(document)].filter(([, node]) => typeof node.$ref === 'string');
    expect(references.length).toBeGreaterThan(10);
    for (const [where, { $ref }] of references) {
      const found = $ref
        .split('/')
        .slice(1)
        .reduce((node: any, key: string) => node?.[key], document);
      expect([where, typeof found]).toEqual([where, 'object']);
    }
  });

  it('has only schemas that JSON Schema 2020-12 accepts, strictly', () => {
    const ajv = validator();
    for (const name of Object.keys(document.components.schemas)) {
      expect(ajv.compile({ $ref: `document#/components/schemas/${name}` })).toBeInstanceOf(Function);
    }
    for (const [, operation] of operations()) {
      for (const { schema } of operation.parameters ?? []) ajv.compile(inDocument(schema));
    }
  });

  it('has every route that the service has', () => {
    const documented = operations().map(([where]) => where);
    for (const route of [
      'get /health',
      'get /health/ready',
      'post /api/v1/auth/login',
      'get /api/v1/products',
      'patch /api/v1/products/{id}',
      'delete /api/v1/cart/items/{product_id}',
      'post /api/v1/orders',
      'post /api/v1/checkout',
      'get /api/v1/payments/{id}',
    ]) {
      expect(documented).toContain(route);
    }
  });
});

describe('every operation', () => {
  it('has a summary, tags, and an id of its own', () => {
    for (const [where, { summary, tags, operationId }] of operations()) {
      expect([where, summary, tags, operationId]).toEqual([
        where,
        expect.stringMatching(/^[A-Z"].*[^.]$/),
        expect.arrayContaining([expect.stringMatching(/^[a-z-]+$/)]),
        expect.stringMatching(/^\w+$/),
      ]);
    }
    const ids = operations().map(([, { operationId }]) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('documents every parameter of its path, and nothing else as such', () => {
    for (const [where, { parameters = [] }] of operations()) {
      const inPath = [...where.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const documented = parameters.filter((parameter) => parameter.in === 'path');
      expect([where, ...documented.map(({ name }) => name)]).toEqual([where, ...inPath]);
      for (const { schema } of documented)
        expect(schema.type === 'integer' || schema.format === 'uuid').toBe(true);
    }
  });

  it('says what each status means and what its body is', () => {
    for (const [where, { responses }] of operations()) {
      expect([where, Object.keys(responses).some((status) => status.startsWith('2'))]).toEqual([where, true]);
      for (const [status, { description, content }] of Object.entries(responses)) {
        expect([where, status, description]).toEqual([where, status, expect.stringMatching(/./)]);
        if (status === '204') expect(content).toBeUndefined();
        else
          expect([where, status, Object.values(content ?? {})[0]?.schema]).toEqual([
            where,
            status,
            expect.any(Object),
          ]);
      }
    }
  });

  it('refuses with problem details', () => {
    for (const [where, { responses }] of operations()) {
      for (const [status, { content }] of Object.entries(responses)) {
        // A service that is not ready says why in the words in which it says that it is.
        if (Number(status) < 400 || where === 'get /health/ready') continue;
        expect([where, status, Object.keys(content ?? {})]).toEqual([
          where,
          status,
          ['application/problem+json'],
        ]);
        const [{ schema }] = Object.values(content ?? {}) as [Media];
        expect([where, (schema.anyOf ?? [schema]).at(-1)]).toEqual([
          where,
          { $ref: '#/components/schemas/ProblemView' },
        ]);
      }
    }
  });

  it('describes the members of every problem that has some', async () => {
    const folder = new URL('../../src/', import.meta.url);
    const codes: string[] = [];
    for (const file of await readdir(folder, { recursive: true })) {
      if (!file.endsWith('.ts')) continue;
      const [, ...classes] = (await readFile(new URL(file, folder), 'utf8')).split(/^export class /m);
      for (const source of classes.filter((each) => each.includes('override readonly members'))) {
        const code = source.match(/readonly code\b.*/)?.[0] ?? '';
        codes.push(...[...code.matchAll(/'(\w+)'/g)].map(([, name]) => name as string));
      }
    }
    expect(codes.toSorted()).toEqual(Object.keys(PROBLEM_MEMBERS).toSorted());
  });

  it('says that it may refuse its input, where it takes any', () => {
    for (const [where, { parameters = [], requestBody, responses }] of operations()) {
      const bringsBody = !where.startsWith('get ');
      const statuses = Object.keys(responses);
      if (bringsBody) expect([where, statuses]).toEqual([where, expect.arrayContaining(['413', '415'])]);
      if (bringsBody || parameters.length > 0)
        expect([where, statuses]).toEqual([where, expect.arrayContaining(['400'])]);
      if (requestBody !== undefined) expect([where, bringsBody]).toEqual([where, true]);
    }
  });

  it('says that it refuses a bad token, and an unknown key, wherever the service does', async () => {
    const ask = async (where: string, headers: Record<string, string>) => {
      const [method = '', path = ''] = where.split(' ');
      const url = `${app.url}${path.replace(/\{\w+\}/g, '1')}`;
      const response = await fetch(url, { method: method.toUpperCase(), headers });
      return response.status === 204 ? '204' : `${response.status} ${((await response.json()) as any).code}`;
    };
    for (const [where, { security = [], responses }] of operations()) {
      const refusals = responses['401']?.description ?? '';
      const token = await ask(where, { authorization: 'Bearer holdfast' });
      if (token === '401 invalid_token')
        expect([where, refusals]).toEqual([where, expect.stringContaining('`invalid_token`')]);
      else
        expect([where, token]).toEqual([
          expect.stringMatching(/^post \/api\/v1\/auth\/(?!me)/),
          expect.any(String),
        ]);
      const key = await ask(where, { 'x-api-key': 'holdfast' });
      expect([where, key === '401 invalid_api_key']).toEqual([where, refusals.includes('`invalid_api_key`')]);
      expect([where, '403' in responses]).toEqual([where, security.length > 0]);
    }
    expect(text).not.toContain('x-overlooks');
  });

  it('gives an example of each body, in JSON but for the files, and it is one', () => {
    const ajv = validator();
    expect(bodies().length).toBeGreaterThan(50);
    for (const [where, type, media] of bodies()) {
      const { example, schema } = media;
      expect([where, type]).toEqual([
        where,
        expect.stringMatching(/^(application\/(problem\+)?json|text\/csv)$/),
      ]);
      const said = type.includes('problem') ? problemIn(media, (example as { code: string }).code) : schema;
      expect([where, faultsIn(example, said, ajv)]).toEqual([where, null]);
    }
  });

  it('asks for a token exactly where the service does', async () => {
    for (const [where, { security = [] }] of operations()) {
      const [method = '', path = ''] = where.split(' ');
      const url = `${app.url}${path.replace(/\{\w+\}/g, '1')}`;
      const body = ['post', 'put', 'patch'].includes(method) ? '{}' : undefined;
      const response = await fetch(url, {
        method: method.toUpperCase(),
        headers: body ? { 'content-type': 'application/json' } : {},
        body,
      });
      const said: any = await response.json();
      const asks = response.status === 401 && said.code === 'unauthenticated';
      expect([where, asks]).toEqual([where, security.length > 0]);
      for (const scheme of security.flatMap(Object.keys)) {
        expect(document.components.securitySchemes).toHaveProperty(scheme);
      }
    }
  });

  it('under /admin refuses whoever is not one', () => {
    for (const [where, { responses }] of operations()) {
      if (where.includes('/admin/')) expect([where, responses['403']]).toEqual([where, expect.any(Object)]);
    }
  });
});

describe('the answers that are really given', () => {
  let ajv: Ajv2020;
  beforeAll(() => {
    ajv = validator();
  });

  /** Makes the call, and checks its answer against what the document says of this very status. */
  async function expectDocumented(
    route: string,
    status: number,
    call: {
      params?: Record<string, string | number>;
      query?: string;
      as?: GivenUser;
      body?: unknown;
      key?: string;
    } = {},
  ): Promise<any> {
    const [method = '', path = ''] = route.split(' ');
    const filled = path.replace(/\{(\w+)\}/g, (_, name) => String(call.params?.[name]));
    const headers: Record<string, string> = { ...call.as?.headers };
    if (call.body !== undefined) headers['content-type'] = 'application/json';
    if (call.key !== undefined) headers['idempotency-key'] = call.key;
    const response = await fetch(`${app.url}${filled}${call.query ?? ''}`, {
      method: method.toUpperCase(),
      headers,
      body: call.body === undefined ? undefined : JSON.stringify(call.body),
    });
    const said = await response.text();
    expect({ route, status: response.status, said }).toMatchObject({ status });
    const operation: Operation = document.paths[path][method];
    const documented = operation.responses[status];
    expect([route, documented]).toEqual([route, expect.any(Object)]);
    if (!documented?.content) {
      expect(said).toBe('');
      return undefined;
    }
    const type = response.headers.get('content-type')?.split(';')[0] ?? '';
    const media = documented.content[type] as Media;
    const value = JSON.parse(said);
    const schema = status < 400 ? media.schema : problemIn(media, value.code);
    expect([route, status, faultsIn(value, schema, ajv)]).toEqual([route, status, null]);
    return value;
  }

  it('health', async () => {
    await expectDocumented('get /health', 200);
    await expectDocumented('get /health/ready', 200);
  });

  it('auth', async () => {
    const credentials = { email: 'grace@shop.example', password: 'correct horse battery' };
    const registration = { ...credentials, name: 'Grace' };
    await expectDocumented('post /api/v1/auth/register', 201, { body: registration });
    await expectDocumented('post /api/v1/auth/register', 409, { body: registration });
    await expectDocumented('post /api/v1/auth/register', 400, { body: {} });
    const { refresh_token } = await expectDocumented('post /api/v1/auth/login', 200, { body: credentials });
    await expectDocumented('post /api/v1/auth/login', 401, { body: { ...credentials, password: 'wrong' } });
    const next = await expectDocumented('post /api/v1/auth/refresh', 200, { body: { refresh_token } });
    await expectDocumented('post /api/v1/auth/refresh', 401, { body: { refresh_token } });
    await expectDocumented('post /api/v1/auth/logout', 204, { body: { refresh_token: next.refresh_token } });
    await expectDocumented('get /api/v1/auth/me', 200, { as: customer });
    await expectDocumented('get /api/v1/auth/me', 401);
    const guest = await expectDocumented('post /api/v1/auth/guest', 201);
    await expectDocumented('get /api/v1/admin/users', 200, { as: admin, query: '?count=true' });
    const { id } = guest.user;
    await expectDocumented('patch /api/v1/admin/users/{id}', 409, {
      params: { id },
      as: admin,
      body: { role: 'admin' },
    });
    await expectDocumented('delete /api/v1/admin/users/{id}', 204, { params: { id }, as: admin });
    await expectDocumented('get /api/v1/admin/actions', 200, { as: admin, query: '?count=true' });
  });

  it('products', async () => {
    await expectDocumented('get /api/v1/products', 200);
    await expectDocumented('get /api/v1/products', 200, { query: '?limit=1&count=true', as: admin });
    await expectDocumented('get /api/v1/products', 400, { query: '?limit=0' });
    await expectDocumented('get /api/v1/products/{id}', 200, { params: { id: 1 } });
    await expectDocumented('get /api/v1/products/{id}', 404, { params: { id: 99_999 } });
    await expectDocumented('get /api/v1/products/{id}', 400, { params: { id: 'one' } });
    const lamp = { sku: 'LAMP-001', name: 'Lamp', price: 19.99 };
    const { id } = await expectDocumented('post /api/v1/products', 201, { as: admin, body: lamp });
    await expectDocumented('post /api/v1/products', 409, { as: admin, body: lamp });
    await expectDocumented('post /api/v1/products', 401, { body: lamp });
    await expectDocumented('post /api/v1/products', 403, { as: customer, body: lamp });
    const one = { params: { id }, as: admin };
    await expectDocumented('patch /api/v1/products/{id}', 200, {
      ...one,
      body: { price: 24.99, version: 1 },
    });
    await expectDocumented('patch /api/v1/products/{id}', 409, { ...one, body: { price: 9.99, version: 1 } });
    await expectDocumented('delete /api/v1/products/{id}', 204, one);
  });

  it('variants, bulk and files of products', async () => {
    const bulk = (operations: unknown[]) =>
      expectDocumented('post /api/v1/products/bulk', 200, { as: admin, body: { operations } });
    const shirt = { op: 'create', sku: 'SHIRT', name: 'Shirt', price: 10 };
    const { results } = await bulk([shirt, shirt, { op: 'delete', id: 99_999 }]);
    const [{ id }] = results;
    const one = { params: { id }, as: admin };
    const red = { sku: 'SHIRT-RED', price: 12, stock: 3 };
    const variant = await expectDocumented('post /api/v1/products/{id}/variants', 201, { ...one, body: red });
    await expectDocumented('post /api/v1/products/{id}/variants', 409, { ...one, body: red });
    await expectDocumented('post /api/v1/products/{id}/variants', 404, {
      ...one,
      params: { id: 99_999 },
      body: red,
    });
    await expectDocumented('get /api/v1/products/{id}', 200, one);
    await expectDocumented('get /api/v1/products/{id}', 200, { params: { id: variant.id } });
    await expectDocumented('get /api/v1/products', 200, { query: '?q=shirt' });
    await expectDocumented('post /api/v1/products/bulk', 400, { as: admin, body: { operations: [] } });
    await expectDocumented('post /api/v1/products/import', 415, { as: admin, body: {} });
    await bulk([{ op: 'delete', id }]);
  });

  it('storefronts', async () => {
    const body = { name: 'Lamps' };
    const { id } = await expectDocumented('post /api/v1/admin/storefronts', 201, { as: admin, body });
    await expectDocumented('post /api/v1/admin/storefronts', 403, { as: customer, body });
    const one = { params: { id }, as: admin };
    for (const base of ['/api/v1/storefronts', '/api/v1/admin/storefronts']) {
      await expectDocumented(`get ${base}`, 200, { as: admin, query: '?count=true' });
      await expectDocumented(`get ${base}/{id}`, 200, one);
      await expectDocumented(`get ${base}/{id}`, 404, { params: { id: 99_999 }, as: admin });
    }
    await expectDocumented('patch /api/v1/admin/storefronts/{id}', 200, { ...one, body });
    const lamp = { sku: 'LAMP', name: 'Lamp', price: 10, storefront_id: id };
    const product = await expectDocumented('post /api/v1/products', 201, { as: admin, body: lamp });
    await expectDocumented('delete /api/v1/admin/storefronts/{id}', 409, one);
    await expectDocumented('delete /api/v1/products/{id}', 204, {
      params: { id: product.id },
      as: admin,
    });
    await expectDocumented('delete /api/v1/admin/storefronts/{id}', 204, one);
  });

  it('cart', async () => {
    const line = { params: { product_id: 1 }, as: customer };
    await expectDocumented('get /api/v1/cart', 200, { as: customer });
    const body = { product_id: 1, quantity: 2 };
    await expectDocumented('post /api/v1/cart/items', 200, { as: customer, body, key: 'cart' });
    await expectDocumented('post /api/v1/cart/items', 422, {
      as: customer,
      body: { ...body, quantity: 3 },
      key: 'cart',
    });
    await expectDocumented('post /api/v1/cart/items', 400, {
      as: customer,
      body: { product_id: 1, quantity: 100 },
    });
    await expectDocumented('post /api/v1/cart/items', 404, {
      as: customer,
      body: { product_id: 9_999, quantity: 1 },
    });
    await expectDocumented('put /api/v1/cart/items/{product_id}', 200, { ...line, body: { quantity: 3 } });
    await expectDocumented('patch /api/v1/cart/items/{product_id}', 200, { ...line, body: { delta: -1 } });
    await expectDocumented('get /api/v1/cart', 200, { as: customer });
    await expectDocumented('delete /api/v1/cart/items/{product_id}', 200, line);
    await expectDocumented('delete /api/v1/cart/items/{product_id}', 404, line);
    await expectDocumented('delete /api/v1/cart', 200, { as: customer });
  });

  const address = {
    name: 'Ada',
    lines: ['12 St James Square'],
    city: 'London',
    postal_code: 'SW1Y',
    country: 'GB',
  };

  it('orders', async () => {
    const items = [{ product_id: 1, quantity: 1 }];
    const place = 'post /api/v1/orders';
    const { id } = await expectDocumented(place, 201, {
      as: customer,
      body: { items, shipping_address: address, note: 'ring twice' },
    });
    await expectDocumented(place, 409, { as: customer, body: { items, expected_total: 1 } });
    const short = { items: [{ product_id: 1, quantity: 100_000 }] };
    const problem = await expectDocumented(place, 409, { as: customer, body: short });
    expect(problem.items).toEqual([{ product_id: 1, requested: 100_000, available: 99 }]);
    await expectDocumented(place, 404, {
      as: customer,
      body: { items: [{ product_id: 9_999, quantity: 1 }] },
    });
    await expectDocumented('get /api/v1/orders', 200, { as: customer, query: '?count=true' });
    await expectDocumented('get /api/v1/orders/{id}', 200, { params: { id }, as: customer });
    await expectDocumented('get /api/v1/orders/{id}', 404, { params: { id }, as: admin });
    await expectDocumented('get /api/v1/admin/orders', 200, { as: admin, query: '?status=pending' });
    await expectDocumented('get /api/v1/admin/orders', 403, { as: customer });
    await expectDocumented('get /api/v1/admin/orders/{id}', 200, { params: { id }, as: admin });
    await expectDocumented('post /api/v1/orders/{id}/cancel', 200, { params: { id }, as: customer });
    await expectDocumented('post /api/v1/orders/{id}/payments', 409, {
      params: { id },
      as: customer,
      body: {},
    });
  });

  it('discounts and points', async () => {
    const create = 'post /api/v1/discounts';
    const body = { code: 'AUTUMN15', kind: 'percentage', value: 15, usage_limit: 1 };
    const { id } = await expectDocumented(create, 201, { as: admin, body });
    await expectDocumented(create, 409, { as: admin, body });
    await expectDocumented(create, 403, { as: customer, body });
    await expectDocumented('get /api/v1/discounts', 200, { as: admin, query: '?count=true' });
    await expectDocumented('get /api/v1/discounts/{id}', 200, { as: admin, params: { id } });
    const change = { ends_at: '2099-01-01T00:00:00Z' };
    await expectDocumented('patch /api/v1/discounts/{id}', 200, { as: admin, params: { id }, body: change });
    const validate = { code: 'AUTUMN15', items_price: 1_299.99 };
    await expectDocumented('post /api/v1/discounts/validate', 200, { as: customer, body: validate });
    const items = [{ product_id: 3, quantity: 1 }];
    const order = { as: customer, body: { items, discount_code: 'AUTUMN15' } };
    await expectDocumented('post /api/v1/orders', 201, order);
    const refused = await expectDocumented('post /api/v1/orders', 400, order);
    expect(refused).toMatchObject({ code: 'discount_invalid', reason: 'used_up' });
    await expectDocumented('post /api/v1/orders', 400, { as: customer, body: { items, redeem_points: 1 } });
    await expectDocumented('get /api/v1/points', 200, { as: customer, query: '?count=true' });
    await expectDocumented('delete /api/v1/discounts/{id}', 204, { as: admin, params: { id } });
    await expectDocumented('delete /api/v1/discounts/{id}', 404, { as: admin, params: { id } });
  });

  it('checkouts', async () => {
    const fill = () =>
      expectDocumented('post /api/v1/cart/items', 200, {
        as: customer,
        body: { product_id: 2, quantity: 1 },
      });
    const buy = (status: number, body: object, key?: string) =>
      expectDocumented('post /api/v1/checkout', status, { as: customer, body, key });
    await buy(400, {}, 'empty');
    await fill();
    await buy(400, {});
    const bought = await buy(200, { shipping_address: address }, 'first');
    expect(await buy(200, { shipping_address: address }, 'first')).toEqual(bought);
    await fill();
    expect(await buy(200, { payment_token: 'tok_declined' }, 'second')).toMatchObject({ status: 'FAILED' });
    await fill();
    const byHand = await buy(200, { payment_method: 'cod' }, 'third');
    expect(byHand).toMatchObject({ status: 'COMPLETED', payment: null });
    await fill();
    const pending = await buy(202, { payment_token: 'tok_pending' }, 'pending');
    expect(pending).toMatchObject({ status: 'PENDING', payment: { status: 'pending' } });
    expect(await buy(409, {}, 'fourth')).toMatchObject({ code: 'checkout_in_progress' });
    await expectDocumented('get /api/v1/checkout/{id}', 200, {
      params: { id: bought.checkout_id },
      as: customer,
    });
    const { order_id: id } = byHand;
    await expectDocumented('post /api/v1/admin/orders/{id}/confirm-payment', 200, {
      params: { id },
      as: admin,
    });
  });

  it('payments', async () => {
    const place = { as: customer, body: { items: [{ product_id: 3, quantity: 1 }] } };
    const { id } = await expectDocumented('post /api/v1/orders', 201, place);
    const order = { params: { id }, as: customer };
    const pay = 'post /api/v1/orders/{id}/payments';
    const declined = await expectDocumented(pay, 201, { ...order, body: { payment_token: 'tok_declined' } });
    expect(declined).toMatchObject({ status: 'failed', failure_code: expect.any(String) });
    await expectDocumented(pay, 202, { ...order, body: { payment_token: 'tok_pending' } });
    const live = await expectDocumented(pay, 200, { ...order, body: {} });
    await expectDocumented('get /api/v1/orders/{id}/payments', 200, order);
    await expectDocumented('get /api/v1/payments/{id}', 200, { params: { id: live.id }, as: customer });
    await expectDocumented('get /api/v1/payments/{id}', 404, { params: { id: live.id }, as: admin });
  });

  it('what is refused where no body is read', async () => {
    await expectDocumented('post /api/v1/auth/guest', 400, { body: { name: 'Ada' } });
    await expectDocumented('post /api/v1/auth/guest', 400, { key: 'two words' });
    await expectDocumented('delete /api/v1/cart', 413, { as: customer, body: 'x'.repeat(1_100_000) });
    const { headers } = customer;
    for (const [method, path] of [
      ['POST', '/auth/guest'],
      ['DELETE', '/cart'],
    ])
      expect((await fetch(`${app.url}/api/v1${path}`, { method, headers, body: 'text' })).status).toBe(415);
  });

  it('a bad token on a public route', async () => {
    const stranger = { ...customer, headers: { authorization: 'Bearer holdfast' } };
    for (const route of ['get /api/v1/products', 'get /api/v1/storefronts', 'post /api/v1/inventory/check'])
      await expectDocumented(route, 401, { as: stranger });
    await expectDocumented('get /api/v1/products/{id}', 401, { as: stranger, params: { id: 1 } });
  });

  it('a body that is too large, and one of another kind', async () => {
    const body = { name: 'x'.repeat(1_100_000) };
    await expectDocumented('post /api/v1/auth/register', 413, { body });
    const response = await fetch(`${app.url}/api/v1/auth/register`, { method: 'POST', body: 'text' });
    const schema = { $ref: '#/components/schemas/ProblemView' };
    expect([response.status, faultsIn(await response.json(), schema, ajv)]).toEqual([415, null]);
    expect(document.paths['/api/v1/auth/register'].post.responses).toHaveProperty('415');
  });
});

describe('/docs', () => {
  it('may load from this server only, and runs no script but its files', async () => {
    for (const path of [
      '/docs',
      '/docs/',
      '/docs?url=https://elsewhere.example/api.json',
      '/docs/swagger-ui-init.js',
    ]) {
      const policy = (await fetch(`${app.url}${path}`)).headers.get('content-security-policy') ?? '';
      const directives = new Map(
        policy.split('; ').map((part) => [part.split(' ')[0], part.split(' ').slice(1)]),
      );
      expect([path, directives.get('default-src'), directives.get('script-src')]).toEqual([
        path,
        ["'none'"],
        ["'self'"],
      ]);
      expect(directives.get('frame-ancestors')).toEqual(["'none'"]);
      expect(policy).not.toMatch(/https?:|\*|unsafe-eval/);
    }
  });

  it('shows a page whose every part this server has', async () => {
    const html = await (await fetch(`${app.url}/docs`)).text();
    expect(html).toContain('<title>Holdfast API</title>');
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)/);
    const parts = [...html.matchAll(/\b(?:src|href)="([^"]+)"/g)].map(([, address]) => address as string);
    expect(parts.length).toBeGreaterThanOrEqual(4);
    for (const part of parts) {
      const { origin, pathname } = new URL(part, `${app.url}/docs`);
      expect([part, origin]).toEqual([part, app.url]);
      expect([part, (await fetch(`${origin}${pathname}`)).status]).toEqual([part, 200]);
    }
  });

  it('describes the same document', async () => {
    const script = await (await fetch(`${app.url}/docs/swagger-ui-init.js`)).text();
    expect(script).toContain('/api/v1/checkout');
    expect(script).not.toMatch(/validator\.swagger\.io|https?:\/\/(?!\w+\.example|localhost)/);
  });

  it('is the only address of it: neither YAML nor a second JSON', async () => {
    for (const path of ['/docs-json', '/docs-yaml', '/docs/openapi.json']) {
      expect([path, (await fetch(`${app.url}${path}`)).status]).toEqual([path, 404]);
    }
  });
});

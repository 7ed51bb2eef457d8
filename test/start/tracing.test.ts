import { randomBytes } from 'node:crypto';
import { cloneDatabase, type TestDatabase } from '../support/boot.js';
import { eventually } from '../support/eventually.js';
import { GivenCollector, type Span } from '../support/given-collector.js';
import { dropsTheConnection, fine, GivenProvider, says } from '../support/given-provider.js';
import { Receiver } from '../webhook/receiver.js';
import { Place, type Service } from './service.js';

// One run of the service as it runs in production, with everybody who is called by it: what they are told, what the collector
// is told, and what stands in the log.
const ADMIN = { email: 'owner@shop.example', password: 'the-owner-sits-on-a-hill-9' };
const CUSTOMER = { email: 'ada@shop.example', password: 'ada-counts-her-engines-7', name: 'Ada' };
const WRONG_PASSWORD = 'ada-counts-her-sheep-8';
const WEBHOOK_SECRET = `whsec_${Buffer.from('a-secret-of-thirty-two-bytes-in-all').toString('base64')}`;
const JWT_SECRET = 'zL4kq9Wm2Vx7Rb1Tn5Yc8Hd3Jf6Gs0Pa';
const COLLECTOR_KEY = 'collectors-own-key-4711';

let place: Place;
let service: Service;
let database: TestDatabase;
let collector: GivenCollector;
let provider: GivenProvider;
let receiver: Receiver;
/** Every secret that was used in the run, by what it is. */
const secrets: Record<string, string> = {};
let customer: string;

beforeAll(async () => {
  [place, database, collector, provider, receiver] = await Promise.all([
    Place.make(),
    cloneDatabase(),
    GivenCollector.open(),
    GivenProvider.open(),
    Receiver.open(),
  ]);
  service = await place.start({
    ...provider.settings,
    DATABASE_URL: database.url,
    JWT_SECRET,
    ADMIN_EMAIL: ADMIN.email,
    ADMIN_PASSWORD: ADMIN.password,
    LOG_FORMAT: 'json',
    LOG_LEVEL: 'trace',
    EVENT_MAX_ATTEMPTS: '2',
    EVENT_RETRY_BASE_MS: '20',
    PAYMENT_RECOVERY_SECONDS: '1',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS: `x-collector-key=${COLLECTOR_KEY}`,
    OTEL_EXPORTER_OTLP_TIMEOUT: '500',
  });
  const [, databasePassword = ''] = /:\/\/[^:]+:([^@]+)@/.exec(database.url) ?? [];
  Object.assign(secrets, { JWT_SECRET, WEBHOOK_SECRET, COLLECTOR_KEY, WRONG_PASSWORD, databasePassword });
  secrets.shopKey = provider.settings.YOOKASSA_SECRET_KEY as string;
  secrets.shopAuthorization = btoa(`${provider.settings.YOOKASSA_SHOP_ID}:${secrets.shopKey}`);
  await shop();
});

afterAll(async () => {
  await place.clear();
  collector.close();
  await Promise.all([provider.close(), receiver.close()]);
  await database.drop();
});

/** Signs in, rightly and wrongly; makes a key and an endpoint. */
async function shop(): Promise<void> {
  const { body: registered } = await service.post('/api/v1/auth/register', CUSTOMER);
  await service.post('/api/v1/auth/login', { ...CUSTOMER, password: WRONG_PASSWORD });
  const { body: admin } = await service.post('/api/v1/auth/login', ADMIN);
  const token = admin.access_token;
  const scopes = ['inventory:read', 'inventory:write'];
  const { body: key } = await service.post('/api/v1/admin/api-keys', { name: 'warehouse', scopes }, token);
  await service.call('/api/v1/inventory/movements', { headers: { 'x-api-key': key.key } });
  await service.call(`/api/v1/products?access_token=${registered.refresh_token}`);
  const endpoint = { url: `${receiver.url}/in/path-is-a-secret`, events: ['*'], secret: WEBHOOK_SECRET };
  await service.post('/api/v1/admin/webhook-endpoints', endpoint, token);
  customer = registered.access_token;
  Object.assign(secrets, {
    ownersPassword: ADMIN.password,
    customersPassword: CUSTOMER.password,
    accessToken: customer,
    refreshToken: registered.refresh_token,
    ownersToken: token,
    apiKey: key.key,
    pathOfEndpoint: 'path-is-a-secret',
    paymentToken: 'tok_success',
  });
}

/** Says that it is part of a trace of ours. */
function givenTrace(): { id: string; headers: Record<string, string> } {
  const id = randomBytes(16).toString('hex');
  return { id, headers: { traceparent: `00-${id}-00f067aa0ba902b7-01` } };
}

async function send(path: string, body: unknown, headers: Record<string, string>): Promise<any> {
  const response = await service.call(path, {
    method: 'POST',
    token: customer,
    headers,
    body: JSON.stringify(body),
  });
  return {
    status: response.status,
    requestId: response.headers.get('x-request-id'),
    body: await response.json(),
  };
}

async function checkout(headers: Record<string, string>): Promise<any> {
  await service.post('/api/v1/cart/items', { product_id: 1, quantity: 1 }, customer);
  return send(
    '/api/v1/checkout',
    { idempotency_key: randomBytes(8).toString('hex'), payment_token: 'tok_success' },
    headers,
  );
}

const lines = (): any[] =>
  service.stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));

const spansOf = (trace: string): Span[] => collector.spans.filter((span) => span.trace === trace);

describe('a checkout', () => {
  const trace = givenTrace();
  let answer: any;
  const of = (name: string) => (span: Span) => span.trace === trace.id && span.name === name;

  beforeAll(async () => {
    answer = await checkout(trace.headers);
    await collector.span('the last delivery', of('deliver webhook'));
    await collector.span('the stock watch', of('process events.stock-watch'));
  });

  it('is one trace, from the request to the statements, the call to the provider, and the consumers of its events', async () => {
    expect([answer.status, answer.body.status]).toEqual([200, 'COMPLETED']);
    const request = await collector.span('the request', of('POST /api/v1/checkout'));
    expect(request).toMatchObject({
      kind: 2,
      parent: '00f067aa0ba902b7',
      isError: false,
      attributes: {
        'http.request.method': 'POST',
        'http.route': '/api/v1/checkout',
        'http.response.status_code': 200,
        'holdfast.order_id': answer.body.order_id,
        'holdfast.request_id': answer.requestId,
      },
    });
    const lineOf = async (name: string) => collector.lineOf(await collector.span(name, of(name)));
    const placement = ['transaction', 'placement batch', 'place order', 'POST /api/v1/checkout'];
    expect(await lineOf('order-insert')).toEqual(['order-insert', ...placement]);
    expect(await lineOf('POST /payments')).toEqual([
      'POST /payments',
      'ask about payment',
      'POST /api/v1/checkout',
    ]);
    expect(await lineOf('order-lock')).toEqual(['order-lock', 'transaction', 'POST /api/v1/checkout']);
    // An event belongs to the transaction that has told it, of the placement or of the settlement.
    const consumers = ['process events.webhooks', 'process events.stock-watch', 'deliver webhook'];
    for (const name of consumers)
      expect(await lineOf(name)).toEqual(
        expect.arrayContaining([name, 'create events', 'transaction', 'POST /api/v1/checkout']),
      );
  });

  it('tells the provider and the receiver of its events the trace', async () => {
    const [asked] = provider.posts('/payments');
    const call = await collector.span('the call', of('POST /payments'));
    expect(asked?.headers.traceparent).toBe(`00-${trace.id}-${call.id}-01`);
    expect(call).toMatchObject({ kind: 3, attributes: { 'http.response.status_code': 200 } });
    const received = receiver.received.map(({ headers }) => headers.traceparent?.slice(3, 35));
    expect(received).toContain(trace.id);
  });

  it('names statements by their names, and shows no value', async () => {
    const statements = spansOf(trace.id).filter(
      ({ attributes }) => attributes['db.system.name'] && attributes['db.query.summary'],
    );
    expect(statements.length).toBeGreaterThan(10);
    for (const { name, kind, attributes } of statements) {
      expect([name, kind]).toEqual([expect.stringMatching(/^[a-z-]+$/), 3]);
      expect(Object.keys(attributes).sort()).toEqual([
        'db.namespace',
        'db.query.summary',
        'db.system.name',
        'server.address',
        'server.port',
      ]);
    }
  });

  it('is named by the lines of the log that are written for it', () => {
    const { request_id, trace_id, order_id } = lines().find(({ url }) => url === '/api/v1/checkout');
    expect({ request_id, trace_id, order_id }).toEqual({
      request_id: answer.requestId,
      trace_id: trace.id,
      order_id: answer.body.order_id,
    });
  });
});

describe('a provider that fails', () => {
  it('is an error of its call alone; the recovery has a trace of its own, and the log names the order', async () => {
    const trace = givenTrace();
    provider.mood = dropsTheConnection;
    const { status, body, requestId } = await checkout(trace.headers);
    provider.mood = says(500, `{"secret":"${secrets.shopKey}"}`);
    expect([status, body.status]).toEqual([202, 'PENDING']);
    const call = await collector.span(
      'the call',
      ({ trace: of, name }) => of === trace.id && name === 'POST /payments',
    );
    expect(call).toMatchObject({ isError: true, attributes: { 'error.type': 'ECONNRESET' } });
    await eventually(() => provider.posts('/payments').length >= 3, { what: 'the recovery' });
    provider.mood = fine;
    const recovered = await collector.span(
      'the recovery',
      ({ name, attributes }) =>
        name === 'recover payment' && attributes['holdfast.order_id'] === body.order_id,
    );
    expect([recovered.parent, recovered.trace === trace.id]).toEqual(['', false]);
    const unknown = lines().filter(
      ({ order_id, msg }) => order_id === body.order_id && /outcome unknown/.test(msg),
    );
    expect(unknown[0]).toMatchObject({
      request_id: requestId,
      trace_id: trace.id,
      payment_id: expect.any(String),
    });
    expect(unknown[1]).not.toHaveProperty('request_id');
    await eventually(() =>
      lines().some(({ order_id, msg }) => order_id === body.order_id && msg === 'recovered: succeeded'),
    );
  });
});

describe('orders that are placed together', () => {
  it('share a trace of their own, which is linked with each of theirs', async () => {
    const traces = Array.from({ length: 12 }, givenTrace);
    const body = { items: [{ product_id: 2, quantity: 1 }] };
    await Promise.all(traces.map(({ headers }) => send('/api/v1/orders', body, headers)));
    const batch = await collector.span(
      'the batch',
      ({ name, links }) => name === 'placement batch' && links.length > 1,
    );
    expect(batch.parent).toBe('');
    const placed = await eventually(() => {
      const found = collector.spans.filter(
        ({ name, links }) => name === 'place order' && links.some(({ id }) => id === batch.id),
      );
      return found.length === batch.links.length ? found : null;
    });
    expect(placed.map(({ trace, id }) => ({ trace, id })).sort(byId)).toEqual([...batch.links].sort(byId));
    const ours = traces.map(({ id }) => id);
    for (const { trace } of placed) expect(ours).toContain(trace);
    // What it does is in its own trace, and in nobody else's.
    expect(spansOf(batch.trace).map(({ name }) => name)).toEqual(
      expect.arrayContaining(['transaction', 'order-insert']),
    );
  });
});

describe('what machines ask', () => {
  it('is not traced, and neither is work that nobody has asked for', async () => {
    for (const path of ['/health', '/health/ready', '/metrics'])
      expect((await service.call(path)).status).toBe(200);
    await service.call('/api/v1/products/1');
    await collector.span('what came after them', ({ name }) => name === 'GET /api/v1/products/:id');
    expect(collector.spans.filter(({ name }) => /health|metrics/.test(name))).toEqual([]);
    const beginnings = collector.spans
      .filter(({ parent, kind }) => parent === '' && kind !== 2)
      .map(({ name }) => name);
    for (const name of beginnings)
      expect(name).toMatch(/^(recover payment|placement batch|process events\.[a-z-]+)$/);
  });
});

describe('secrets', () => {
  const found = (text: string | Buffer) =>
    Object.keys(secrets).filter((name) => text.includes(secrets[name] as string));

  it('stand neither in the log nor in the traces', async () => {
    receiver.answers(500);
    await checkout({});
    await eventually(() =>
      lines().some(({ queue, msg }) => queue === 'webhook-deliveries' && /failed at attempt 2/.test(msg)),
    );
    receiver.accepts();
    expect(Object.values(secrets).every((secret) => secret.length >= 8)).toBe(true);
    expect([found(service.stdout), found(service.stderr), found(collector.received)]).toEqual([[], [], []]);
    expect(collector.headers[0]).toMatchObject({ 'x-collector-key': COLLECTOR_KEY });
  });

  it('(control) are seen where they do stand', () => {
    const asked = JSON.stringify(provider.asked);
    expect(found(asked)).toEqual(['shopAuthorization', 'paymentToken']);
    // And the log is really looked through: it has what is no secret of the same calls.
    for (const text of [
      '/api/v1/auth/login',
      '/api/v1/checkout',
      'outcome unknown',
      'access_token=[redacted]',
    ])
      expect(service.stdout).toContain(text);
  });
});

describe('a collector that goes away', () => {
  it('is told of once, and neither requests nor the stop mind', async () => {
    collector.close();
    const lost = () => lines().filter(({ msg }) => /^traces are lost/.test(msg));
    await eventually(async () => {
      expect((await service.call('/api/v1/products/1')).status).toBe(200);
      return lost().length > 0;
    });
    const before = lines().length;
    await eventually(async () => {
      expect((await checkout({})).status).toBe(200);
      return lines().length > before + 10;
    });
    service.kill('SIGTERM');
    expect([await service.ended(), service.stderr]).toEqual([0, '']);
    expect(lost()).toEqual([
      expect.objectContaining({ level: 40, msg: expect.stringContaining(collector.url) }),
    ]);
  });
});

const byId = (a: { id: string }, b: { id: string }) => a.id.localeCompare(b.id);

import { loadConfig } from '../../src/platform/config/config.js';
import { AddressRefused, isPublicAddress, publicLookup } from '../../src/webhook/public-addresses.js';
import { WebhookSender } from '../../src/webhook/webhook-sender.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { givenAdmin } from '../support/given.js';
import { WebhookCalls } from './calls.js';
import { Receiver } from './receiver.js';

const JWT_SECRET = 'kT8vQ2mZ4xN7bR1cW5yJ9pL3sD6fH0gA';

let database: TestDatabase;
let app: TestApp;
let calls: WebhookCalls;
let receiver: Receiver;

beforeAll(async () => {
  database = await cloneDatabase();
  app = await bootApp(database, { NODE_ENV: 'production', JWT_SECRET, EVENT_MAX_ATTEMPTS: '1' });
  calls = new WebhookCalls(app, await givenAdmin(app, database));
  receiver = await Receiver.open();
});

afterAll(async () => {
  await app?.close();
  await receiver?.close();
  await database?.drop();
});

const PRIVATE = [
  '127.0.0.1',
  '127.255.255.254',
  '0.0.0.0',
  '10.0.0.1',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '169.254.169.254',
  '100.64.0.1',
  '100.127.255.255',
  '192.0.0.192',
  '198.18.0.1',
  '224.0.0.1',
  '239.255.255.255',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:8.8.8.8',
  '::7f00:1',
  '64:ff9b::7f00:1',
  '2002:7f00:1::',
  '2001::1',
  'fe80::1',
  'fe80::1%eth0',
  'fec0::1',
  'fc00::1',
  'fd00:ec2::254',
  'ff02::1',
  '2001:db8::1',
];
const PUBLIC = [
  '8.8.8.8',
  '93.184.215.14',
  '172.15.0.1',
  '172.32.0.1',
  '100.63.255.255',
  '100.128.0.1',
  '2606:4700::1111',
];

describe('an address', () => {
  it.each(PRIVATE)('is refused: %s', (address) => expect(isPublicAddress(address)).toBe(false));
  it.each(PUBLIC)('is public: %s', (address) => expect(isPublicAddress(address)).toBe(true));
});

describe('the url of an endpoint', () => {
  it.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f.0.0.1/',
    'http://0177.0.0.1/',
    'http://0/',
    'http://[::1]:8080/',
    'http://[::ffff:10.0.0.1]/',
    'http://[0:0:0:0:0:ffff:7f00:1]/',
    'http://169.254.169.254/latest/meta-data/',
    'https://10.1.2.3/hooks',
    'http://localhost:3000/',
    'http://LOCALHOST/',
    'http://localhost./',
    'http://shop.localhost/',
    'http://127.0.0.1./',
  ])('is refused: %s', async (url) => {
    const created = await calls.create({ url, events: ['*'] });
    expect(created.status).toBe(400);
    expect(created.body).toMatchObject({ code: 'validation_failed', errors: [{ field: 'url' }] });
    const { id } = await calls.givenEndpoint('https://erp.example/');
    expect((await calls.change(id, { url })).status).toBe(400);
  });

  it.each<[string, Record<string, string>, boolean]>([
    ['any in development', {}, true],
    ['any in a test', { NODE_ENV: 'test' }, true],
    ['only a public one in production', { NODE_ENV: 'production' }, false],
    ['any in production that is told so', { NODE_ENV: 'production', WEBHOOK_ALLOW_PRIVATE: 'true' }, true],
    ['only a public one wherever that is wanted', { WEBHOOK_ALLOW_PRIVATE: 'false' }, false],
  ])('may be %s', (_, settings, any) => {
    const sender = new WebhookSender(loadConfig({ JWT_SECRET, ...settings }));
    const assert = () => sender.assertAllowed('http://127.0.0.1/');
    if (any) expect(assert).not.toThrow();
    else expect(assert).toThrow(AddressRefused);
  });
});

describe('sending', () => {
  /** An endpoint from before the service was told to refuse it. */
  async function givenStored(url: string): Promise<number> {
    const { id } = await calls.givenEndpoint('https://erp.example/');
    await database.sql('UPDATE webhook_endpoints SET url = $2 WHERE id = $1', [id, url]);
    return id;
  }

  it.each<[string, () => string]>([
    ['a loopback address', () => receiver.url],
    ['a name that leads to one', () => `http://localhost:${receiver.port}`],
    ['an address in IPv6', () => `http://[::ffff:127.0.0.1]:${receiver.port}`],
  ])('refuses %s', async (_, url) => {
    await database.sql('DELETE FROM webhook_endpoints');
    const id = await givenStored(url());
    await calls.tell({ type: 'order.paid', data: { order_id: 'o' } });
    const delivery = await calls.delivery(id, 'failed');
    expect(delivery.error).toMatch(/is not a public address$/);
    expect(delivery.response_status).toBeNull();
    expect(receiver.received).toEqual([]);
  });

  it('connects to nobody by a name that leads to a private address', async () => {
    const sender = new WebhookSender(app.config);
    // Past the check of the url itself: what is left is the lookup of the one who connects.
    sender.assertAllowed = () => undefined;
    const attempt = await sender.post({
      url: `http://localhost:${receiver.port}/`,
      secret: `whsec_${Buffer.alloc(32).toString('base64')}`,
      event_id: 'e',
      body: '{}',
    });
    expect(attempt).toEqual({ response_status: null, error: 'localhost is not a public address' });
    expect(receiver.received).toEqual([]);
  });
});

describe('the lookup of the one who connects', () => {
  type Found = { address: string; family: number }[];
  const lookUp = (answers: Found[], all = false) =>
    new Promise<unknown>((resolve, reject) => {
      const resolver = (_: string, __: object, done: (error: null, found: Found) => void) =>
        done(null, answers.shift() ?? []);
      publicLookup(resolver as never)('rebind.example', { all }, (error, address) =>
        error ? reject(error) : resolve(address),
      );
    });
  const open = { address: '8.8.8.8', family: 4 };
  const closed = { address: '127.0.0.1', family: 4 };

  it('passes on what it has checked, and asks once', async () => {
    const answers = [[open], [closed]];
    expect(await lookUp(answers)).toBe('8.8.8.8');
    expect(answers).toEqual([[closed]]);
    expect(await lookUp([[open]], true)).toEqual([open]);
  });

  it('refuses a name that leads to a private address, this time or among others', async () => {
    await expect(lookUp([[closed]])).rejects.toThrow(AddressRefused);
    await expect(lookUp([[open, closed]], true)).rejects.toThrow('rebind.example is not a public address');
    await expect(lookUp([[]])).rejects.toThrow(AddressRefused);
  });
});

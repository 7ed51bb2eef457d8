import { readFile } from 'node:fs/promises';
import { parseEnv } from 'node:util';
import { Config, ConfigInvalid, environment, loadConfig } from '../../src/platform/config/config.js';

const CORS = 'be *, or origins such as https://shop.example, separated by commas';
const GOOD_SECRET = 'kT8vQ2mZ4xN7bR1cW5yJ9pL3sD6fH0gA';

async function example(): Promise<NodeJS.Dict<string>> {
  return parseEnv(await readFile(new URL('../../.env.example', import.meta.url), 'utf8'));
}

function faultOf(source: NodeJS.ProcessEnv): string {
  try {
    loadConfig(source);
  } catch (error) {
    if (error instanceof ConfigInvalid) return error.message;
    throw error;
  }
  throw new Error('It was accepted.');
}

describe('.env.example', () => {
  it('names exactly the variables that are read', async () => {
    expect(Object.keys(await example()).sort()).toEqual(Object.keys(environment.shape).sort());
  });

  it('gives each its default, and leaves those without one empty', async () => {
    const defaults = environment.parse({}) as Record<string, unknown>;
    const stated = Object.fromEntries(
      Object.keys(environment.shape).map((name) => [name, String(defaults[name] ?? '')]),
    );
    expect(await example()).toEqual(stated);
  });

  it('copied as it is to .env, changes nothing', async () => {
    expect(loadConfig(await example())).toEqual(loadConfig({}));
  });

  it('explains every variable, alone or in its group', async () => {
    const text = await readFile(new URL('../../.env.example', import.meta.url), 'utf8');
    const groups = text.trim().split('\n\n').slice(1);
    for (const group of groups) expect(group).toMatch(/^# \S/);
  });
});

describe('a wrong environment', () => {
  it.each([
    ['NODE_ENV', 'staging', 'be one of development, test, production'],
    ['PORT', 'abc', 'be a whole number between 0 and 65535'],
    ['PORT', '65536', 'be a whole number between 0 and 65535'],
    ['PORT', '30.5', 'be a whole number between 0 and 65535'],
    ['TRUST_PROXY', 'the balancer', 'be true, false, a number of proxies, or their addresses'],
    ['TRUST_PROXY', '10.0.0.0/33', 'be true, false, a number of proxies, or their addresses'],
    ['CORS_ORIGINS', 'shop.example', CORS],
    ['CORS_ORIGINS', 'https://shop.example/', CORS],
    ['CORS_ORIGINS', 'https://shop.example:443', CORS],
    ['CORS_ORIGINS', 'https://Shop.example', CORS],
    ['CORS_ORIGINS', 'https://*.shop.example', CORS],
    ['CORS_ORIGINS', 'https://ada:geheim@shop.example', CORS],
    ['CORS_ORIGINS', 'file://', CORS],
    ['CORS_ORIGINS', 'null', CORS],
    ['CORS_ORIGINS', '*,https://shop.example', CORS],
    ['CORS_ORIGINS', ',', CORS],
    ['DATABASE_URL', 'mysql://localhost/shop', 'be a postgres:// address'],
    ['DATABASE_URL', 'localhost', 'be a postgres:// address'],
    ['DATABASE_POOL_MAX', '1', 'be a whole number between 2 and 500'],
    ['DATABASE_LOCK_TIMEOUT_MS', '0', 'be a whole number between 1 and 3600000'],
    ['MIGRATE_ON_START', 'yes', 'be one of true, false, 1, 0'],
    ['SEED_DEMO', 'no', 'be one of true, false, 1, 0'],
    ['ADMIN_EMAIL', 'admin', 'be an email address'],
    ['ADMIN_PASSWORD', 'short', 'be at least 10 characters'],
    ['GUEST_TTL_DAYS', '0', 'be a whole number between 1 and 3650'],
    ['RATE_LIMIT_FACTOR', '-1', 'be a number between 0 and 1000'],
    ['RATE_LIMIT_FACTOR', 'off', 'be a number between 0 and 1000'],
    ['CURRENCY', 'dollars', 'be a three-letter ISO 4217 code such as USD'],
    ['CURRENCY', 'usd', 'be a three-letter ISO 4217 code such as USD'],
    ['CURRENCY', 'XQZ', 'be a three-letter ISO 4217 code such as USD'],
    ['SHIPPING_FLAT_PRICE', '-1', 'be an amount of money'],
    ['SHIPPING_FLAT_PRICE', '4.999', 'be exact to 2 decimals, as USD is'],
    ['SHIPPING_FREE_FROM', 'never', 'be an amount of money'],
    ['POINT_VALUE', '0', 'be an amount of money greater than 0'],
    ['POINT_VALUE', '0.015', 'be exact to 2 decimals, as USD is'],
    ['POINTS_PER_UNIT', '-1', 'be a number between 0 and 100 with at most 6 decimals'],
    ['POINTS_PER_UNIT', '101', 'be a number between 0 and 100 with at most 6 decimals'],
    ['POINTS_PER_UNIT', '0.0000001', 'be a number between 0 and 100 with at most 6 decimals'],
    ['POINTS_PER_UNIT', 'many', 'be a number between 0 and 100 with at most 6 decimals'],
    ['RESERVATION_TTL_COD', '-1', 'be a whole number between 1 and 31536000'],
    ['PAYMENT_PROVIDER', 'paypal', 'be one of sandbox, yookassa, stripe'],
    ['PAYMENT_RETURN_URL', 'javascript:alert(1)', 'be an http(s) address'],
    ['YOOKASSA_API_URL', 'https://api.yookassa.ru/v2', 'end in /v3'],
    ['STRIPE_API_URL', 'ftp://stripe', 'be an http(s) address'],
    ['STRIPE_API_URL', 'https://api.stripe.com/v1', 'not have a path'],
    ['LOG_LEVEL', 'loud', 'be one of fatal, error, warn, info, debug, trace, silent'],
    ['LOG_FORMAT', 'xml', 'be one of pretty, json'],
  ])('%s=%s is refused in one sentence', (name, value, sentence) => {
    expect(faultOf({ [name]: value })).toBe(`The configuration is wrong: ${name} must ${sentence}.`);
  });

  it('is told whole, each fault once', () => {
    expect(faultOf({ PORT: '1e99', CURRENCY: 'dollars' })).toBe(
      'The configuration is wrong: PORT must be a whole number between 0 and 65535; CURRENCY must be a three-letter ISO 4217 code such as USD.',
    );
  });

  it.each([{ ADMIN_EMAIL: 'ada@shop.example' }, { ADMIN_PASSWORD: 'correct horse battery' }])(
    'with half an admin is refused: %j',
    (half) => {
      expect(faultOf(half)).toContain('ADMIN_EMAIL and ADMIN_PASSWORD go together');
    },
  );

  it('asks YooKassa for its credentials', () => {
    const fault = faultOf({ PAYMENT_PROVIDER: 'yookassa', YOOKASSA_SHOP_ID: '' });
    expect(fault).toContain('YOOKASSA_SHOP_ID is missing');
    expect(fault).toContain('YOOKASSA_SECRET_KEY is missing');
  });

  it('asks Stripe for its credentials', () => {
    const fault = faultOf({ PAYMENT_PROVIDER: 'stripe', STRIPE_SECRET_KEY: '' });
    expect(fault).toContain('STRIPE_SECRET_KEY is missing');
    expect(fault).toContain('STRIPE_WEBHOOK_SECRET is missing');
  });

  it('never shows what it was given: it may be a secret in the wrong place', () => {
    const secret = 'hunter2-hunter2';
    const everywhere = Object.fromEntries(Object.keys(environment.shape).map((name) => [name, secret]));
    expect(faultOf(everywhere)).not.toContain(secret);
  });
});

describe('in production', () => {
  const load = (JWT_SECRET?: string) => () => loadConfig({ NODE_ENV: 'production', JWT_SECRET });

  it.each([undefined, ''])('a missing JWT_SECRET (%j) stops the start', (secret) => {
    expect(load(secret)).toThrow('JWT_SECRET is missing; production needs a random one');
  });

  it.each([
    'too-short-0123456789',
    'a'.repeat(64),
    'please-change-me-please-change-me-1234567',
    'my-Password-0123456789-abcdefghijklmnop',
  ])('a weak JWT_SECRET (%s) stops the start', (secret) => {
    expect(load(secret)).toThrow('JWT_SECRET is weak');
    expect(load(secret)).not.toThrow(secret);
  });

  it('a weak one among the previous secrets stops the start, too', () => {
    const faultWith = (JWT_PREVIOUS_SECRETS: string) =>
      faultOf({ NODE_ENV: 'production', JWT_SECRET: GOOD_SECRET, JWT_PREVIOUS_SECRETS });
    for (const secrets of ['short', `${GOOD_SECRET},short`, 'a'.repeat(64)]) {
      expect(faultWith(secrets)).toContain('JWT_PREVIOUS_SECRETS has a weak one');
      expect(faultWith(secrets)).not.toContain(secrets);
    }
  });

  it('a random one does', () => {
    expect(load(GOOD_SECRET)().env.JWT_SECRET).toBe(GOOD_SECRET);
  });

  it('logs JSON', () => {
    expect(load(GOOD_SECRET)().logFormat).toBe('json');
  });
});

describe('what is not said', () => {
  it('is an embedded database with the demo catalog', () => {
    const config = loadConfig({});
    expect([config.embedded, config.seedDemo, config.logFormat]).toEqual([true, true, 'pretty']);
  });

  it('is no demo catalog on a server of one’s own', () => {
    const config = loadConfig({ DATABASE_URL: 'postgres://localhost/shop' });
    expect([config.embedded, config.seedDemo]).toEqual([false, false]);
  });

  it('stays embedded when the started Postgres has been named', () => {
    const config = loadConfig({ DATABASE_URL: 'postgres://localhost/shop' }).asEmbedded();
    expect(config).toBeInstanceOf(Config);
    expect([config.embedded, config.seedDemo]).toEqual([true, true]);
  });

  it('is YooKassa at its own address', () => {
    expect(loadConfig({}).paymentApiUrl).toBe('https://api.yookassa.ru/v3');
    const own = 'http://127.0.0.1:4010/v3';
    expect(loadConfig({ YOOKASSA_API_URL: own }).paymentApiUrl).toBe(own);
  });

  it.each([
    ['USD', 0.01],
    ['JPY', 1],
    ['KWD', 0.01],
  ])('is a point worth, in %s, %d: a whole number of minor units', (CURRENCY, value) => {
    expect(loadConfig({ CURRENCY }).pointValue).toBe(value);
  });

  it('is a hold of half an hour, or what is set for others, whatever a card has', () => {
    const settings = { RESERVATION_TTL_COD: '60', RESERVATION_TTL_CREDIT_CARD: '30' };
    const holds = (config: Config) =>
      ['cod', 'barter', ''].map((method) => config.reservationTtlSeconds(method));
    expect(holds(loadConfig(settings))).toEqual([60, 1_800, 1_800]);
    expect(holds(loadConfig({ ...settings, RESERVATION_TTL_OTHER: '45' }))).toEqual([60, 45, 45]);
  });
});

describe('values that are right', () => {
  it.each(['true', 'false', '0', '2', 'loopback', '10.0.0.0/8, 192.168.1.1', '::1', 'fd00::/8'])(
    'TRUST_PROXY=%s',
    (setting) => {
      expect(loadConfig({ TRUST_PROXY: setting }).env.TRUST_PROXY).toBe(setting);
    },
  );

  it('amounts as fine as the currency, and a rate of points that is not', () => {
    const { env, pointValue } = loadConfig({
      CURRENCY: 'KWD',
      SHIPPING_FLAT_PRICE: '1.255',
      SHIPPING_FREE_FROM: '0',
      POINT_VALUE: '0.005',
      POINTS_PER_UNIT: '0.333333',
    });
    expect([env.SHIPPING_FLAT_PRICE, env.SHIPPING_FREE_FROM, pointValue]).toEqual([1.255, 0, 0.005]);
    expect(env.POINTS_PER_UNIT).toBe(0.333333);
  });

  it.each(['USD', 'EUR', 'RUB', 'JPY', 'KWD', 'VND'])('CURRENCY=%s', (currency) => {
    expect(loadConfig({ CURRENCY: currency }).env.CURRENCY).toBe(currency);
  });
});

describe('the origins whose pages may call', () => {
  const DATABASE_URL = 'postgres://localhost/shop';
  const given = (settings: NodeJS.ProcessEnv) => loadConfig(settings).corsOrigins;

  it('are none, unless they are named', () => {
    expect(given({ DATABASE_URL })).toEqual([]);
    expect(given({ NODE_ENV: 'production', JWT_SECRET: GOOD_SECRET })).toEqual([]);
    expect(given({ CORS_ORIGINS: 'https://shop.example, http://localhost:5173' })).toEqual([
      'https://shop.example',
      'http://localhost:5173',
    ]);
  });

  it('are those of this machine in the embedded demo', () => {
    expect(given({})).toBe('this machine');
    expect(given({ CORS_ORIGINS: 'https://shop.example' })).toEqual(['https://shop.example']);
  });

  it('are all for a star', () => {
    expect(given({ CORS_ORIGINS: '*' })).toBe('any');
  });
});

describe('the secrets', () => {
  it('are the one in use and then the others', () => {
    const { secrets } = loadConfig({ JWT_SECRET: 'now', JWT_PREVIOUS_SECRETS: 'before, long before,' });
    expect(secrets).toEqual(['now', 'before', 'long before']);
    expect(loadConfig({ JWT_SECRET: 'now' }).secrets).toEqual(['now']);
  });

  it('are none as long as the one in use is missing', () => {
    expect(loadConfig({ JWT_PREVIOUS_SECRETS: 'before' }).secrets).toEqual([]);
  });
});

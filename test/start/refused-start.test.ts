import { writeFile } from 'node:fs/promises';
import { Place } from './service.js';

let place: Place;

beforeAll(async () => {
  place = await Place.make();
});

afterAll(() => place.clear());

/** Starts a service that must not start. @returns the one sentence it says. */
async function refusal(settings: Record<string, string>): Promise<string> {
  const service = place.spawn(settings);
  const code = await service.ended();
  expect({ code, stdout: service.stdout, stderr: service.stderr }).toEqual({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^[^\n]+\.\n$/),
  });
  expect(await place.postgresPids()).toEqual([]);
  return service.stderr.trim();
}

// Each is a process; what else config.ts refuses, test/platform/config.test.ts tells without one.
describe('a wrong value stops the start with a sentence that names the variable', () => {
  it.each([
    [{ PORT: 'abc' }, 'PORT must be a whole number'],
    [{ CURRENCY: 'dollars' }, 'CURRENCY must be a three-letter ISO 4217 code'],
    [{ CURRENCY: 'XQZ' }, 'CURRENCY must be a three-letter ISO 4217 code'],
    [{ PAYMENT_PROVIDER: 'paypal' }, 'PAYMENT_PROVIDER must be one of'],
    [{ ADMIN_EMAIL: 'ada@shop.example' }, 'ADMIN_EMAIL and ADMIN_PASSWORD go together'],
    [{ TRUST_PROXY: 'the balancer' }, 'TRUST_PROXY must be'],
    [{ NODE_ENV: 'production' }, 'JWT_SECRET is missing'],
    [{ NODE_ENV: 'production', JWT_SECRET: 'short' }, 'JWT_SECRET is weak'],
  ])('%j', async (settings: Record<string, string>, sentence) => {
    expect(await refusal(settings)).toContain(sentence);
  });
});

describe('a data folder', () => {
  it('that is a file', async () => {
    const file = `${place.folder}/file`;
    await writeFile(file, 'not a folder');
    const sentence = await refusal({ DATA_DIR: file });
    expect(sentence).toContain(file);
    expect(sentence).toContain('DATA_DIR');
  });

  it('that lies below a file', async () => {
    expect(await refusal({ DATA_DIR: `${place.folder}/file/data` })).toContain('DATA_DIR');
  });
});

describe('a database', () => {
  const server = process.env.TEST_POSTGRES_URL as string;
  const { host } = new URL(server);

  it('that nobody listens for', async () => {
    const sentence = await refusal({ DATABASE_URL: 'postgres://shop:geheim@127.0.0.1:1/shop' });
    expect(sentence).toMatch(/^The database at 127\.0\.0\.1:1\/shop cannot be used: .*DATABASE_URL\.$/);
    expect(sentence).not.toContain('geheim');
  });

  it('that is on no machine', async () => {
    const sentence = await refusal({ DATABASE_URL: 'postgres://shop:geheim@nowhere.invalid/shop' });
    expect(sentence).toContain('nowhere.invalid/shop');
    expect(sentence).not.toContain('geheim');
  });

  it('that has another password, which is not told', async () => {
    const sentence = await refusal({ DATABASE_URL: `postgres://holdfast:geheim@${host}/holdfast` });
    expect(sentence).toContain('password authentication failed');
    expect(sentence).toContain('DATABASE_URL');
    expect(sentence).not.toContain('geheim');
  });

  it('that its server does not have', async () => {
    expect(await refusal({ DATABASE_URL: server.replace(/holdfast$/, 'missing') })).toContain(
      '"missing" does not exist',
    );
  });
});

it('a host that is not of this machine', async () => {
  const DATABASE_URL = process.env.TEST_POSTGRES_URL as string;
  const sentence = await refusal({
    DATABASE_URL,
    MIGRATE_ON_START: 'false',
    HOST: 'nowhere.invalid',
    LOG_LEVEL: 'error',
  });
  expect(sentence).toContain('HOST nowhere.invalid');
});

import axios from 'axios';
import { pino } from 'pino';
import { loadConfig } from '../../src/platform/config/config.js';
import { NestLog, openLog } from '../../src/platform/observability/logger.js';
import { about, note } from '../../src/platform/observability/subject.js';

const SECRETS = {
  password: 'correct horse battery',
  basic: Buffer.from('shop:live_kQ9zSecretOfTheShop').toString('base64'),
  shopKey: 'live_kQ9zSecretOfTheShop',
  bearer: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOjF9.c2lnbmF0dXJlLW9mLWl0',
  apiKey: 'hf_Zm9yLXRoZS13YXJlaG91c2UtYXQtbmlnaHQ',
  signing: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  stripe: 'sk_live_51HoldfastHoldfast',
  card: 'tok_visa_4242',
  database: 'pg-pass-0815',
};

/** A log that is written to memory. */
function givenLog(settings: Record<string, string> = {}) {
  const lines: string[] = [];
  const log = openLog(loadConfig({ LOG_LEVEL: 'trace', ...settings }), { write: (line) => lines.push(line) });
  return { log, lines, last: (): any => JSON.parse(lines.at(-1) as string) };
}

const secretsIn = (text: string) => Object.entries(SECRETS).filter(([, secret]) => text.includes(secret));

/** A failed call, with all that axios hangs on its errors. */
async function failedCall(): Promise<Error> {
  const call = axios.post(
    `http://127.0.0.1:1/pay?access_token=${SECRETS.card}`,
    { payment_token: SECRETS.card, password: SECRETS.password },
    {
      auth: { username: 'shop', password: SECRETS.shopKey },
      headers: {
        Authorization: `Bearer ${SECRETS.bearer}`,
        'X-Api-Key': SECRETS.apiKey,
        Cookie: `s=${SECRETS.password}`,
      },
    },
  );
  return call.then(
    () => Promise.reject(new Error('it was answered')),
    (error) => error,
  );
}

/** Every way in which a secret could come into the log. */
async function leaks(): Promise<[what: string, ...args: unknown[]][]> {
  const error = await failedCall();
  const quoting = new Error(`cannot log in at postgres://shop:${SECRETS.database}@db:5432/shop`, {
    cause: error,
  });
  return [
    ['a member', { password: SECRETS.password, payment_token: SECRETS.card }, 'signed in'],
    [
      'a member deep inside',
      { a: [{ b: { newPassword: SECRETS.password, apiKey: SECRETS.apiKey } }] },
      'deep',
    ],
    [
      'headers',
      { req: { headers: { authorization: `Basic ${SECRETS.basic}`, 'x-api-key': SECRETS.apiKey } } },
      'asked',
    ],
    ['cookies', { headers: { cookie: SECRETS.password, 'set-cookie': [SECRETS.password] } }, 'asked'],
    ['credentials of axios', { auth: { username: 'shop', password: SECRETS.shopKey } }, 'called'],
    ['an error of axios', { err: error }, 'failed'],
    ['an error of axios alone', error],
    ['an error under another name', { reason: error, nested: { reason: quoting } }, 'failed'],
    ['an error without a message of ours', { err: quoting }],
    ['the address of a database', `cannot reach postgres://shop:${SECRETS.database}@db:5432/shop`],
    ['an address with a token', { url: `/api/v1/x?page=2&access_token=${SECRETS.card}&q=1` }, 'answered'],
    ['a header in a text', `sent Authorization: Bearer ${SECRETS.bearer}`],
    ['JSON in a text', `they said {"ok":false,"password": "${SECRETS.password}","n":1}`],
    ['keys in a text', `keys: ${SECRETS.apiKey}, ${SECRETS.signing}, ${SECRETS.stripe}, ${SECRETS.bearer}`],
    ['a later text', 'it was %s', SECRETS.apiKey],
    ['an address', { endpoint: new URL(`https://shop:${SECRETS.database}@hooks.example/in`) }, 'sent'],
    ['bytes', { body: Buffer.from(SECRETS.password) }, 'sent'],
  ];
}

describe('a line of the log', () => {
  it('holds no secret, wherever it stands', async () => {
    const { log, lines } = givenLog();
    for (const [what, ...args] of await leaks()) {
      (log.info as (...args: unknown[]) => void)(...args);
      expect([what, secretsIn(lines.at(-1) as string)]).toEqual([what, []]);
    }
    expect(lines).toHaveLength(17);
  });

  it('(control) would hold each without that', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'trace' }, { write: (line) => lines.push(line) });
    for (const [, ...args] of await leaks()) (log.info as (...args: unknown[]) => void)(...args);
    expect(secretsIn(lines.join('')).map(([name]) => name)).toEqual(Object.keys(SECRETS));
  });

  it('holds none when Nest writes an error either', async () => {
    const { log, lines, last } = givenLog();
    new NestLog(log).error(await failedCall(), 'Payments');
    expect(secretsIn(lines.join(''))).toEqual([]);
    expect(last()).toMatchObject({ context: 'Payments', err: { code: 'ECONNREFUSED' } });
  });

  it('still says what has happened', async () => {
    const { log, last } = givenLog();
    log.warn(
      { order_id: 'o1', amount: 12.5, at: new Date(0), none: null, err: new TypeError('no goods') },
      'refused: 100 % sold',
    );
    expect(last()).toMatchObject({
      level: 40,
      msg: 'refused: 100 % sold',
      order_id: 'o1',
      amount: 12.5,
      at: '1970-01-01T00:00:00.000Z',
      none: null,
      err: { type: 'TypeError', message: 'no goods', stack: expect.stringContaining('logger.test') },
    });
    log.info({ url: '/api/v1/products?q=red%20shoes&limit=20&access_token=abc' }, 'answered');
    expect(last().url).toBe('/api/v1/products?q=red%20shoes&limit=20&access_token=[redacted]');
    const round: Record<string, unknown> = { name: 'round' };
    round.self = round;
    log.info({ round }, 'circular');
    expect(last().round).toEqual({ name: 'round', self: '[circular]' });
  });

  it('is one line, whatever a stranger has put into it', () => {
    const { log, lines, last } = givenLog();
    log.info('no such user: x\n{"level":60,"msg":"forged"}\r\u001b[2Jcleared\u2028again');
    expect(lines[0]?.trimEnd()).not.toMatch(/\p{Cc}|\u2028/u);
    expect(last().msg).toBe('no such user: x {"level":60,"msg":"forged"}  [2Jcleared again');
  });

  it('takes no long time over a text that is made to take long', () => {
    const { log } = givenLog();
    const start = performance.now();
    for (const hard of [
      'token'.repeat(20_000),
      `a://${'b'.repeat(100_000)}`,
      `=${'eyJ.'.repeat(30_000)}`,
      '="'.repeat(50_000),
    ])
      log.info({ hard }, hard);
    expect(performance.now() - start).toBeLessThan(1_000);
  });

  it('names the request and the order that it is written for, and what is inside of them', () => {
    const { log, last } = givenLog();
    about({ request_id: 'r1' }, () => {
      log.info('first');
      expect(last()).toMatchObject({ request_id: 'r1', msg: 'first' });
      note({ order_id: 'o1' });
      about({ consumer: 'c1' }, () => log.info('inside'));
      expect(last()).toMatchObject({ request_id: 'r1', order_id: 'o1', consumer: 'c1' });
      log.info({ order_id: 'o2' }, 'of another');
      expect(last()).toMatchObject({ request_id: 'r1', order_id: 'o2' });
    });
    log.info('afterwards');
    expect(last()).not.toHaveProperty('request_id');
  });
});

describe('the format', () => {
  it.each([
    ['production', {}, 'json'],
    ['development', {}, 'pretty'],
    ['production', { LOG_FORMAT: 'pretty' }, 'pretty'],
    ['development', { LOG_FORMAT: 'json' }, 'json'],
  ])('in %s with %j is %s', (NODE_ENV, settings, format) => {
    const JWT_SECRET = 'zL4kq9Wm2Vx7Rb1Tn5Yc8Hd3Jf6Gs0Pa';
    expect(loadConfig({ NODE_ENV, JWT_SECRET, ...settings }).logFormat).toBe(format);
  });
});

import { isIP } from 'node:net';
import { z } from 'zod';
import { digitsOf, isExactIn } from '../currency.js';

const AMOUNT_MAX = 1_000_000_000;
const SMALLEST_AMOUNT = 0.000_1;
const POINTS_PER_UNIT_SENTENCE = 'must be a number between 0 and 100 with at most 6 decimals';
const POINT_VALUE_DEFAULT = 0.01;

const whole = (min: number, max: number, fallback: number) => {
  const sentence = `must be a whole number between ${min} and ${max}`;
  return z.coerce.number(sentence).int(sentence).min(min, sentence).max(max, sentence).default(fallback);
};
const share = (max: number, fallback: number) => {
  const sentence = `must be a number between 0 and ${max}`;
  return z.coerce.number(sentence).min(0, sentence).max(max, sentence).default(fallback);
};
const seconds = (fallback: number) => whole(1, 31_536_000, fallback);
const milliseconds = (fallback: number) => whole(1, 3_600_000, fallback);
const amount = (min: number) => {
  const sentence = `must be an amount of money${min > 0 ? ' greater than 0' : ''}`;
  return z.coerce.number(sentence).min(min, sentence).max(AMOUNT_MAX, sentence);
};
const port = (fallback: number) => whole(0, 65_535, fallback);
const oneOf = <const Names extends readonly [string, ...string[]]>(names: Names) =>
  z.enum(names, `must be one of ${names.join(', ')}`);
const flag = oneOf(['true', 'false', '1', '0']).transform((value) => value === 'true' || value === '1');
const databaseAddress = z.url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres:// address' });
const webAddress = z.url({ protocol: /^https?$/, error: 'must be an http(s) address' });

/** Every environment variable that Holdfast reads, with its default. `.env.example` explains each; a test keeps the two in step. */
export const environment = z.object({
  NODE_ENV: oneOf(['development', 'test', 'production']).default('development'),
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: port(3000),
  WEB_CONCURRENCY: whole(1, 64, 1),
  SHUTDOWN_NOTICE_SECONDS: whole(0, 300, 0),
  TRUST_PROXY: z
    .string()
    .refine(namesProxies, 'must be true, false, a number of proxies, or their addresses')
    .optional(),
  CORS_ORIGINS: z
    .string()
    .transform(listOf)
    .refine(areOrigins, 'must be *, or origins such as https://shop.example, separated by commas')
    .optional(),

  REQUEST_TIMEOUT_MS: milliseconds(30_000),
  READ_TIMEOUT_MS: milliseconds(10_000),
  HEADERS_TIMEOUT_MS: milliseconds(10_000),
  SEND_TIMEOUT_MS: milliseconds(30_000),
  SHED_EVENT_LOOP_LAG_MS: milliseconds(2_000),
  SHED_POOL_WAITING: whole(1, 1_000_000, 1_000),

  DATA_DIR: z.string().min(1).default('.data'),
  DATABASE_URL: databaseAddress.optional(),
  DATABASE_POOLED: flag.default(false),
  DATABASE_DIRECT_URL: databaseAddress.optional(),
  DATABASE_REPLICA_URLS: z
    .string()
    .transform((list) => list.split(',').map((address) => address.trim()))
    .pipe(z.array(databaseAddress))
    .optional(),
  DATABASE_REPLICA_LAG_MAX_MS: milliseconds(10_000),
  DATABASE_POOL_MAX: whole(2, 500, 10),
  DATABASE_LOCK_TIMEOUT_MS: milliseconds(2_000),
  DATABASE_STATEMENT_TIMEOUT_MS: milliseconds(15_000),
  EMBEDDED_POSTGRES_PORT: port(0),
  MIGRATE_ON_START: flag.default(true),
  SEED_DEMO: flag.optional(),
  REDIS_URL: z
    .url({ protocol: /^rediss?$/, error: 'must be a redis:// or rediss:// address' })
    .refine(namesRedis, 'must end with the host, or the number of a database')
    .optional(),

  JWT_SECRET: z.string().optional(),
  JWT_PREVIOUS_SECRETS: z.string().transform(listOf).optional(),
  ACCESS_TOKEN_TTL_SECONDS: seconds(900),
  REFRESH_TOKEN_TTL_SECONDS: seconds(2_592_000),
  GUEST_TTL_DAYS: whole(1, 3_650, 30),
  RATE_LIMIT_FACTOR: share(1_000, 1),
  ADMIN_EMAIL: z.email('must be an email address').optional(),
  ADMIN_PASSWORD: z.string().min(10, 'must be at least 10 characters').optional(),

  CURRENCY: z.string().refine(isCurrency, 'must be a three-letter ISO 4217 code such as USD').default('USD'),
  SHIPPING_FLAT_PRICE: amount(0).default(0),
  SHIPPING_FREE_FROM: amount(0).optional(),
  POINT_VALUE: amount(SMALLEST_AMOUNT).optional(),
  POINTS_PER_UNIT: z.coerce
    .number(POINTS_PER_UNIT_SENTENCE)
    .min(0, POINTS_PER_UNIT_SENTENCE)
    .max(100, POINTS_PER_UNIT_SENTENCE)
    .refine((rate) => Math.round(rate * 1e6) / 1e6 === rate, POINTS_PER_UNIT_SENTENCE)
    .default(1),

  IDEMPOTENCY_TTL_SECONDS: seconds(86_400),
  PLACEMENT_BATCH_MAX: whole(1, 1_000, 64),
  PLACEMENT_QUEUE_MAX: whole(1, 100_000, 2_000),

  RESERVATION_TTL_COD: seconds(86_400),
  RESERVATION_TTL_BANK_TRANSFER: seconds(14_400),
  RESERVATION_TTL_INSTALLMENT: seconds(7_200),
  RESERVATION_TTL_CREDIT_CARD: seconds(1_800),
  RESERVATION_TTL_E_WALLET: seconds(900),
  RESERVATION_TTL_OTHER: seconds(1_800),
  RESERVATION_SWEEP_SECONDS: seconds(30),

  EVENT_MAX_ATTEMPTS: whole(1, 100, 8),
  EVENT_RETRY_BASE_MS: milliseconds(1_000),

  PRODUCT_CACHE_MS: whole(0, 60_000, 1_000),

  AUDIT_SECONDS: seconds(300),
  WEBHOOK_ALLOW_PRIVATE: flag.optional(),

  PAYMENT_PROVIDER: oneOf(['sandbox', 'yookassa', 'stripe']).default('sandbox'),
  PAYMENT_TIMEOUT_MS: milliseconds(10_000),
  PAYMENT_RECOVERY_SECONDS: seconds(5),
  PAYMENT_RETURN_URL: webAddress.optional(),
  SANDBOX_PORT: port(0),
  SANDBOX_PENDING_SECONDS: seconds(3_600),
  YOOKASSA_API_URL: webAddress.regex(/\/v3$/, 'must end in /v3').optional(),
  YOOKASSA_SHOP_ID: z.string().min(1).optional(),
  YOOKASSA_SECRET_KEY: z.string().min(1).optional(),
  STRIPE_API_URL: webAddress
    .refine((address) => !/^https?:\/\/[^/?#]+(\/.|[?#])/i.test(address), 'must not have a path')
    .optional(),
  STRIPE_SECRET_KEY: z.string().min(1).optional(),
  STRIPE_WEBHOOK_SECRET: z.string().min(1).optional(),

  LOG_LEVEL: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  LOG_FORMAT: oneOf(['pretty', 'json']).optional(),

  OTEL_EXPORTER_OTLP_ENDPOINT: webAddress.optional(),
  OTEL_EXPORTER_OTLP_HEADERS: z.string().optional(),
  OTEL_SERVICE_NAME: z.string().min(1).default('holdfast'),
  OTEL_TRACES_SAMPLER: oneOf([
    'always_on',
    'always_off',
    'traceidratio',
    'parentbased_always_on',
    'parentbased_always_off',
    'parentbased_traceidratio',
  ]).default('parentbased_always_on'),
  OTEL_TRACES_SAMPLER_ARG: share(1, 1),
});

export type Environment = z.infer<typeof environment>;

/** One sentence that names each variable that is wrong and says what it should be. */
export class ConfigInvalid extends Error {
  override readonly name = 'ConfigInvalid';
}

/** The validated configuration: read once at the start, injected by its class, never changed. */
export class Config {
  /** No `DATABASE_URL`: the service brings its own Postgres. */
  readonly embedded: boolean;
  readonly production: boolean;

  constructor(
    readonly env: Environment,
    embedded = env.DATABASE_URL === undefined,
  ) {
    this.embedded = embedded;
    this.production = env.NODE_ENV === 'production';
  }

  /** The same, after the embedded Postgres has been started and named in `DATABASE_URL`. */
  asEmbedded(): Config {
    return new Config(this.env, true);
  }

  /**
   * Web pages of which origins may call the API. The embedded demo is for trying things out, so it is open to whatever is
   * served on the developer's own machine; elsewhere nobody is let in who was not named.
   */
  get corsOrigins(): 'any' | 'this machine' | readonly string[] {
    const { CORS_ORIGINS } = this.env;
    if (CORS_ORIGINS === undefined) return this.embedded && !this.production ? 'this machine' : [];
    return CORS_ORIGINS[0] === '*' ? 'any' : CORS_ORIGINS;
  }

  /** Those that secrets are still verified and opened with, the one in use first. Empty before `main.ts` has made one. */
  get secrets(): readonly string[] {
    const { JWT_SECRET, JWT_PREVIOUS_SECRETS = [] } = this.env;
    return JWT_SECRET ? [JWT_SECRET, ...JWT_PREVIOUS_SECRETS] : [];
  }

  get seedDemo(): boolean {
    return this.env.SEED_DEMO ?? this.embedded;
  }

  /** Whether webhooks may go to addresses that are not of the public internet, e.g. to a receiver on the developer's machine. */
  get allowsPrivateWebhooks(): boolean {
    return this.env.WEBHOOK_ALLOW_PRIVATE ?? !this.production;
  }

  /** What one point is worth, in major units: by default 0.01, or one unit of a currency that has no hundredths. */
  get pointValue(): number {
    return this.env.POINT_VALUE ?? Math.max(POINT_VALUE_DEFAULT, 10 ** -digitsOf(this.env.CURRENCY));
  }

  /** When neither the environment nor `main.ts` names the provider's address: YooKassa's own. */
  get paymentApiUrl(): string {
    return this.env.YOOKASSA_API_URL ?? 'https://api.yookassa.ru/v3';
  }

  get stripeApiUrl(): string {
    return this.env.STRIPE_API_URL ?? 'https://api.stripe.com';
  }

  get logFormat(): 'pretty' | 'json' {
    return this.env.LOG_FORMAT ?? (this.production ? 'json' : 'pretty');
  }

  /** How long an order of this payment method, or of one that has no time of its own, holds its goods, in seconds. */
  reservationTtlSeconds(paymentMethod: string): number {
    const name = `RESERVATION_TTL_${paymentMethod.toUpperCase()}`;
    const configured = (this.env as Record<string, unknown>)[name];
    return typeof configured === 'number' ? configured : this.env.RESERVATION_TTL_OTHER;
  }
}

const JWT_SECRET_MIN_LENGTH = 32;

/**
 * Reads and validates the environment. An empty variable counts as unset.
 * @throws ConfigInvalid naming every wrong value.
 */
export function loadConfig(source: NodeJS.ProcessEnv): Config {
  const given = Object.fromEntries(Object.entries(source).filter(([, value]) => value !== ''));
  const parsed = environment.safeParse(given);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`);
    throw new ConfigInvalid(sentenceOf([...new Set(faults)]));
  }
  const faults = [...productionFaults(parsed.data), ...pairFaults(parsed.data), ...amountFaults(parsed.data)];
  if (faults.length > 0) throw new ConfigInvalid(sentenceOf(faults));
  return new Config(parsed.data);
}

function sentenceOf(faults: string[]): string {
  return `The configuration is wrong: ${faults.join('; ')}.`;
}

function productionFaults(env: Environment): string[] {
  if (env.NODE_ENV !== 'production') return [];
  if (env.JWT_SECRET === undefined) {
    return ['JWT_SECRET is missing; production needs a random one of at least 32 characters'];
  }
  const faults: string[] = [];
  if (isWeak(env.JWT_SECRET))
    faults.push('JWT_SECRET is weak; production needs a random one of at least 32 characters');
  // What still verifies can still be used to forge.
  if (env.JWT_PREVIOUS_SECRETS?.some(isWeak))
    faults.push('JWT_PREVIOUS_SECRETS has a weak one; each must be random and have at least 32 characters');
  return faults;
}

function isWeak(secret: string): boolean {
  return (
    secret.length < JWT_SECRET_MIN_LENGTH ||
    new Set(secret).size < 10 ||
    /change.?me|secret.?secret|password/i.test(secret)
  );
}

/** What each payment provider cannot do without. */
const CREDENTIALS = {
  sandbox: [],
  yookassa: ['YOOKASSA_SHOP_ID', 'YOOKASSA_SECRET_KEY'],
  stripe: ['STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRET'],
} as const;

/** Variables that need one another. */
function pairFaults(env: Environment): string[] {
  const faults: string[] = [];
  for (const name of CREDENTIALS[env.PAYMENT_PROVIDER]) {
    if (!env[name]) faults.push(`${name} is missing; PAYMENT_PROVIDER=${env.PAYMENT_PROVIDER} needs it`);
  }
  if ((env.ADMIN_EMAIL === undefined) !== (env.ADMIN_PASSWORD === undefined)) {
    faults.push('ADMIN_EMAIL and ADMIN_PASSWORD go together; set both or neither');
  }
  return faults;
}

/** Amounts finer than the currency's minor unit: they could only be rounded. */
function amountFaults(env: Environment): string[] {
  const names = ['SHIPPING_FLAT_PRICE', 'SHIPPING_FREE_FROM', 'POINT_VALUE'] as const;
  return names
    .filter((name) => env[name] !== undefined && !isExactIn(env.CURRENCY, env[name]))
    .map((name) => `${name} must be exact to ${digitsOf(env.CURRENCY)} decimals, as ${env.CURRENCY} is`);
}

function isCurrency(code: string): boolean {
  return Intl.supportedValuesOf('currency').includes(code);
}

function listOf(setting: string): string[] {
  const entries = setting.split(',').map((entry) => entry.trim());
  return entries.filter((entry) => entry !== '');
}

/** As a browser writes them: a scheme and a host in lower case, a port only when it is not the scheme's own, and no path. */
function areOrigins(entries: string[]): boolean {
  if (entries.length === 1 && entries[0] === '*') return true;
  const isOrigin = (entry: string) => /^https?:[^*]+$/.test(entry) && URL.parse(entry)?.origin === entry;
  return entries.length > 0 && entries.every(isOrigin);
}

function namesRedis(address: string): boolean {
  return URL.canParse(address) && /^\/?\d*$/.test(new URL(address).pathname);
}

function namesProxies(setting: string): boolean {
  if (/^(true|false|\d{1,3})$/.test(setting)) return true;
  return setting.split(',').every((entry) => {
    const [address = '', bits = '0', ...rest] = entry.trim().split('/');
    if (['loopback', 'linklocal', 'uniquelocal'].includes(entry.trim())) return true;
    const bitsMax = isIP(address) === 6 ? 128 : 32;
    return isIP(address) !== 0 && rest.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= bitsMax;
  });
}

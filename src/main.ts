import cluster from 'node:cluster';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Logger as Pino } from 'pino';
import type { Sequelize } from 'sequelize-typescript';
import { createApp } from './app.js';
import { AdminAccount } from './auth/admin-account.js';
import { briefing, report, type Served, Workers, whenAbandoned } from './cluster.js';
import { addressOf, greet } from './greeting.js';
import { startSandboxGateway } from './payment/sandbox/sandbox-gateway.js';
import { type Config, loadConfig } from './platform/config/config.js';
import { connect } from './platform/database/connection.js';
import { claimDataDir, type DataDir } from './platform/database/data-dir.js';
import { startEmbeddedPostgres } from './platform/database/embedded-postgres.js';
import { pendingMigrations, runScripts } from './platform/database/migrations.js';
import { findFreePort } from './platform/database/postgres-launch.js';
import { countForWorkers } from './platform/http/rate-limit.primary.js';
import { JOB_CONNECTIONS_MAX } from './platform/jobs/boss.js';
import { openLog } from './platform/observability/logger.js';
import { Metrics } from './platform/observability/metrics.service.js';
import { relayFigures } from './platform/observability/worker-figures.js';
import { relayNews } from './platform/worker-news.js';
import { StartFailed, sentenceOf } from './start-failed.js';

/** How long requests under way may take to finish; one payment takes PAYMENT_TIMEOUT_MS at most, 10 s by default. */
const DRAIN_LIMIT_MS = 20_000;
const STOP_LIMIT_MS = 30_000;
/** Of the embedded Postgres. */
const CONNECTIONS_MIN = 100;
const CONNECTIONS_SPARE = 20;

/** What has been started, to be stopped in the opposite order. */
const started: { name: string; stop: () => Promise<void>; limitMs: number }[] = [];
/** Aborted by the first signal to stop; a second one changes nothing. */
const ending = new AbortController();
let isReady = false;

async function main(): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => ending.abort());
  whenAbandoned(() => ending.abort());
  let isClean = true;
  try {
    const log = await (cluster.isWorker ? work() : start());
    if (!ending.signal.aborted) await once(ending.signal, 'abort');
    if (ending.signal.reason instanceof StartFailed) throw ending.signal.reason;
    log.info('stopping: finishing what is under way');
  } catch (error) {
    const isAsked = ending.signal.aborted && !(ending.signal.reason instanceof StartFailed);
    if (!isAsked) {
      await complain(sentenceOf(error));
      isClean = false;
    }
  }
  isClean = (await stopAll()) && isClean;
  process.exit(isClean ? 0 : 1);
}

async function start(): Promise<Pino> {
  if (existsSync('.env')) process.loadEnvFile('.env');
  const stated = loadConfig(process.env);
  const log = openLog(stated);
  await startTracing(stated, log);
  if (stated.production && stated.env.PAYMENT_PROVIDER === 'sandbox')
    log.warn('PAYMENT_PROVIDER is sandbox: no money moves, and every order can be paid with a test token');
  const config = await provision(stated, log);
  const { address, admin } = await (config.env.WEB_CONCURRENCY > 1 ? lead(config, log) : serve(config, log));
  isReady = true;
  if (config.production) log.info(`ready at ${address}`);
  else greet(address, admin);
  return log;
}

/** OpenTelemetry is loaded only here: without an endpoint it costs nothing. What is started first is stopped last. */
async function startTracing(config: Config, log: Pino): Promise<void> {
  if (!config.env.OTEL_EXPORTER_OTLP_ENDPOINT) return;
  const { startTraces } = await import('./platform/observability/open-telemetry.js');
  const traces = startTraces(config, log);
  keep('the traces', () => traces.stop());
}

/** This process serves: alone, or in its place among the workers. */
async function serve(config: Config, log: Pino, place?: number): Promise<Served> {
  const { sequelize, isMigrated } = await openDatabase(config, log);
  const app = await createApp(config, sequelize, log);
  if (place !== undefined) app.get(Metrics).tellAsWorker(place);
  keep('the API', () => app.close(), drainLimitMs(config));
  const admins = app.get(AdminAccount);
  // Before anybody is told that the service is ready: they log in.
  if (isMigrated) await admins.ensureNamed();
  const address = await listen(app, config);
  // Only now that nothing can stop the start any more: a generated password is shown just once.
  const admin = isMigrated ? await admins.ensureDemo() : null;
  return { address, admin };
}

/** This process provides what is needed once, and its workers serve. */
async function lead(config: Config, log: Pino): Promise<Served> {
  await openDatabase(config, log);
  // What workers share through this process begins before the first of them.
  relayFigures();
  countForWorkers();
  relayNews();
  const { JWT_SECRET, DATABASE_URL, YOOKASSA_API_URL, YOOKASSA_SHOP_ID, YOOKASSA_SECRET_KEY } = config.env;
  // A port of 0 is any free one, but the same for a worker that comes when all others have died.
  const PORT = String(config.env.PORT || (await findFreePort()));
  const settings = {
    PORT,
    JWT_SECRET,
    DATABASE_URL,
    YOOKASSA_API_URL,
    YOOKASSA_SHOP_ID,
    YOOKASSA_SECRET_KEY,
  };
  const { embedded, env } = config;
  const workers = new Workers(env.WEB_CONCURRENCY, { settings, embedded }, log, (why) => ending.abort(why));
  keep('the workers', () => workers.stop(), drainLimitMs(config) + 2 * STOP_LIMIT_MS);
  return workers.start();
}

/** This process is one of the workers. */
async function work(): Promise<Pino> {
  const { place, settings, embedded } = await briefing(ending.signal);
  if (existsSync('.env')) process.loadEnvFile('.env');
  const stated = loadConfig({ ...process.env, ...settings });
  const config = embedded ? stated.asEmbedded() : stated;
  const log = openLog(config);
  await startTracing(config, log);
  const served = await serve(config, log, place);
  await report({ served });
  return log;
}

/** Says why it does not start, or not go on: a worker to the primary, which tells it once for all of them. */
async function complain(sentence: string): Promise<void> {
  if (cluster.isWorker) await report({ failure: sentence });
  else console.error(sentence);
}

function drainLimitMs({ env }: Config): number {
  return DRAIN_LIMIT_MS + env.SHUTDOWN_NOTICE_SECONDS * 1_000;
}

/** Remembers what has to be stopped. A signal that came while it was started ends the start here. */
function keep(name: string, stop: () => Promise<void>, limitMs = STOP_LIMIT_MS): void {
  started.push({ name, stop, limitMs });
  ending.signal.throwIfAborted();
}

/** Starts what the configuration does not name: a Postgres, a payment gateway, a secret. @returns the completed configuration. */
async function provision(stated: Config, log: Pino): Promise<Config> {
  const { env, embedded } = stated;
  const ownGateway = env.PAYMENT_PROVIDER === 'sandbox' && env.YOOKASSA_API_URL === undefined;
  if (!embedded && !ownGateway && env.JWT_SECRET) return stated;
  const dataDir = await claimDataDir(env.DATA_DIR);
  keep('the data folder', () => dataDir.release());
  const completed: NodeJS.ProcessEnv = { ...process.env };
  completed.JWT_SECRET ||= await dataDir.secret('jwt');
  if (ownGateway) Object.assign(completed, await startGateway(stated, dataDir, log));
  if (!embedded) return loadConfig(completed);
  const postgres = await startEmbeddedPostgres({
    dataDir: env.DATA_DIR,
    port: env.EMBEDDED_POSTGRES_PORT,
    password: await dataDir.secret('postgres'),
    settings: { max_connections: String(connectionsMax(stated)) },
    // How it starts is for those who look for it; what it tells later is news.
    onLog: (line) => log[isReady ? 'warn' : 'debug'](line),
  });
  keep('Postgres', () => postgres.stop());
  return loadConfig({ ...completed, DATABASE_URL: postgres.url }).asEmbedded();
}

/** Enough for every worker's pool and job queue, and for somebody who looks. */
function connectionsMax({ env }: Config): number {
  const perProcess = env.DATABASE_POOL_MAX + JOB_CONNECTIONS_MAX;
  return Math.max(CONNECTIONS_MIN, env.WEB_CONCURRENCY * perProcess + CONNECTIONS_SPARE);
}

async function startGateway({ env }: Config, dataDir: DataDir, log: Pino): Promise<NodeJS.ProcessEnv> {
  const secretKey = await dataDir.secret('sandbox');
  const gateway = await startSandboxGateway({
    port: env.SANDBOX_PORT,
    ledgerFile: join(env.DATA_DIR, 'sandbox-ledger.jsonl'),
    shopId: 'sandbox',
    secretKey,
    pendingMs: env.SANDBOX_PENDING_SECONDS * 1_000,
    // Which port a 0 becomes is known only after the gateway has started; recovery asks in any case.
    ...(env.PORT !== 0 && {
      notifyUrl: `${addressOf(env.HOST, env.PORT)}/api/v1/payments/webhooks/yookassa`,
    }),
    onFault: (fault) => log.error({ err: fault }, 'the sandbox gateway reports a fault'),
  }).catch((error: NodeJS.ErrnoException) => {
    throw error.syscall === 'listen' ? StartFailed.listening('SANDBOX_PORT', env.SANDBOX_PORT, error) : error;
  });
  keep('the sandbox gateway', () => gateway.close());
  return { YOOKASSA_API_URL: gateway.url, YOOKASSA_SHOP_ID: 'sandbox', YOOKASSA_SECRET_KEY: secretKey };
}

async function openDatabase(
  config: Config,
  log: Pino,
): Promise<{ sequelize: Sequelize; isMigrated: boolean }> {
  const sequelize = connect(config.env.DATABASE_URL as string, config);
  keep('the database pool', () => sequelize.close());
  try {
    await sequelize.authenticate();
  } catch (error) {
    throw StartFailed.database(config.env.DATABASE_URL as string, error as Error);
  }
  if (config.env.MIGRATE_ON_START) await runScripts('migrations', sequelize);
  const pending = await pendingMigrations(sequelize);
  const isMigrated = pending.length === 0;
  if (!isMigrated) log.warn(`not ready until \`npm run migrate\` has run: ${pending.join(', ')}`);
  else if (config.seedDemo) await runScripts('seeders', sequelize);
  return { sequelize, isMigrated };
}

async function listen(app: NestFastifyApplication, { env }: Config): Promise<string> {
  try {
    await app.listen(env.PORT, env.HOST);
  } catch (error) {
    const { syscall } = error as NodeJS.ErrnoException;
    // A worker binds through the primary, and calls it that.
    if (syscall === 'listen' || syscall === 'bind')
      throw StartFailed.listening('PORT', env.PORT, error as Error);
    if (syscall === 'getaddrinfo')
      throw new StartFailed(`HOST ${env.HOST} is not an address of this machine.`);
    throw error;
  }
  return addressOf(env.HOST, Number(new URL(await app.getUrl()).port || 80));
}

/** What hangs must not keep the rest from being stopped, least of all Postgres. @returns whether everything has ended well. */
async function stopAll(): Promise<boolean> {
  let isClean = true;
  for (const { name, stop, limitMs } of started.splice(0).reverse()) {
    try {
      const hanging = pause(limitMs, undefined, { ref: false }).then(() => {
        throw new Error(`still busy after ${limitMs} ms`);
      });
      await Promise.race([stop(), hanging]);
    } catch (error) {
      console.error(`${name} did not stop well: ${(error as Error).message}`);
      isClean = false;
    }
  }
  return isClean;
}

await main();

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Logger as Pino } from 'pino';
import type { Sequelize } from 'sequelize-typescript';
import { createApp } from './app.js';
import { AdminAccount } from './auth/admin-account.js';
import { greet } from './greeting.js';
import { startSandboxGateway } from './payment/sandbox/sandbox-gateway.js';
import { type Config, loadConfig } from './platform/config/config.js';
import { connect } from './platform/database/connection.js';
import { claimDataDir, type DataDir } from './platform/database/data-dir.js';
import { startEmbeddedPostgres } from './platform/database/embedded-postgres.js';
import { runScripts } from './platform/database/migrations.js';
import { HealthService } from './platform/observability/health.service.js';
import { openLog } from './platform/observability/logger.js';
import { StartFailed, sentenceOf } from './start-failed.js';

const SHUTDOWN_TIMEOUT_MS = 25_000;

/** What has been started, to be stopped in the opposite order. */
const started: (() => Promise<void>)[] = [];

async function start(): Promise<void> {
  if (existsSync('.env')) process.loadEnvFile('.env');
  const stated = loadConfig(process.env);
  const config = await provision(stated);
  const log = openLog(config);
  const sequelize = await openDatabase(config);
  const app = await createApp(config, sequelize, log);
  started.push(() => app.close());
  await app.init();
  const admin = await app.get(AdminAccount).ensure();
  stopOnSignal(app, log);
  await listen(app, config);
  greet(config, admin);
}

/** Starts what the configuration does not name: a Postgres, a payment gateway, a secret. @returns the completed configuration. */
async function provision(stated: Config): Promise<Config> {
  const { env, embedded } = stated;
  const ownGateway = env.PAYMENT_PROVIDER === 'sandbox' && !process.env.YOOKASSA_API_URL;
  if (!embedded && !ownGateway && env.JWT_SECRET) return stated;
  const dataDir = await claimDataDir(env.DATA_DIR);
  started.push(() => dataDir.release());
  const completed: NodeJS.ProcessEnv = { ...process.env };
  completed.JWT_SECRET ??= await dataDir.secret('jwt');
  if (ownGateway) Object.assign(completed, await startGateway(stated, dataDir));
  if (!embedded) return loadConfig(completed);
  const postgres = await startEmbeddedPostgres({
    dataDir: env.DATA_DIR,
    port: env.EMBEDDED_POSTGRES_PORT,
    password: await dataDir.secret('postgres'),
  });
  started.push(() => postgres.stop());
  return loadConfig({ ...completed, DATABASE_URL: postgres.url }).asEmbedded();
}

async function startGateway({ env }: Config, dataDir: DataDir): Promise<NodeJS.ProcessEnv> {
  const secretKey = await dataDir.secret('sandbox');
  const gateway = await startSandboxGateway({
    port: env.SANDBOX_PORT,
    ledgerFile: join(env.DATA_DIR, 'sandbox-ledger.jsonl'),
    shopId: 'sandbox',
    secretKey,
    pendingMs: env.SANDBOX_PENDING_SECONDS * 1_000,
  });
  started.push(() => gateway.close());
  return { YOOKASSA_API_URL: gateway.url, YOOKASSA_SHOP_ID: 'sandbox', YOOKASSA_SECRET_KEY: secretKey };
}

async function openDatabase(config: Config): Promise<Sequelize> {
  const sequelize = connect(config.env.DATABASE_URL as string, config);
  started.push(() => sequelize.close());
  try {
    await sequelize.authenticate();
  } catch (error) {
    throw new StartFailed(`The database at ${hostOf(config)} cannot be used: ${(error as Error).message}`);
  }
  if (config.env.MIGRATE_ON_START) await runScripts('migrations', sequelize);
  if (config.seedDemo) await runScripts('seeders', sequelize);
  return sequelize;
}

async function listen(app: NestFastifyApplication, { env }: Config): Promise<void> {
  try {
    await app.listen(env.PORT, env.HOST);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') throw new StartFailed(`Port ${env.PORT} is taken; set PORT to another one.`);
    if (code === 'EACCES')
      throw new StartFailed(`Port ${env.PORT} may not be used by this user; set PORT to another one.`);
    throw error;
  }
}

// The password that the address may carry is nobody's business.
function hostOf({ env }: Config): string {
  const { host, pathname } = new URL(env.DATABASE_URL as string);
  return `${host}${pathname}`;
}

/** SIGTERM and Ctrl-C: not ready, finish what is under way, stop everything, exit 0. A second signal changes nothing. */
function stopOnSignal(app: NestFastifyApplication, log: Pino): void {
  let stopping = false;
  const stop = async (signal: string) => {
    if (stopping) return;
    stopping = true;
    log.info(`${signal}: finishing what is under way`);
    app.get(HealthService).drain();
    const timer = setTimeout(() => {
      log.error(`not finished after ${SHUTDOWN_TIMEOUT_MS} ms, leaving`);
      process.exit(1);
    }, SHUTDOWN_TIMEOUT_MS);
    timer.unref();
    await stopAll();
    process.exit(0);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

async function stopAll(): Promise<void> {
  for (const stop of started.splice(0).reverse()) {
    await stop().catch((error: Error) => console.error(error.message));
  }
}

start().catch(async (error: unknown) => {
  console.error(sentenceOf(error));
  await stopAll();
  process.exit(1);
});

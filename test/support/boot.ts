import { randomUUID } from 'node:crypto';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import pg from 'pg';
import { pino } from 'pino';
import type { Sequelize } from 'sequelize-typescript';
import { createApp } from '../../src/app.js';
import { type Config, loadConfig } from '../../src/platform/config/config.js';
import { connect } from '../../src/platform/database/connection.js';

type Settings = Record<string, string>;

/** A cloned database of one test file's own: migrated, with the five demo products. */
export interface TestDatabase {
  url: string;
  /** Plain SQL, past the service: for arranging and for looking at what is really in the tables. */
  sql<Row extends object = Record<string, any>>(text: string, values?: unknown[]): Promise<Row[]>;
  drop(): Promise<void>;
}

export interface TestApp {
  app: NestFastifyApplication;
  config: Config;
  /** `http://127.0.0.1:PORT`, really listening. */
  url: string;
  close(): Promise<void>;
}

export async function cloneDatabase(): Promise<TestDatabase> {
  const server = process.env.TEST_POSTGRES_URL as string;
  const name = `t_${randomUUID().replaceAll('-', '')}`;
  await onServer(server, `CREATE DATABASE ${name} TEMPLATE holdfast_template STRATEGY FILE_COPY`);
  const url = server.replace(/\/holdfast$/, `/${name}`);
  const pool = new pg.Pool({ connectionString: url, max: 3 });
  pool.on('error', () => undefined);
  return {
    url,
    sql: async (text, values) => (await pool.query(text, values)).rows,
    drop: async () => {
      await pool.end();
      await onServer(server, `DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

async function onServer(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}

/** Through the pooler when there is one: then the same tests run behind it. */
function addressOf({ url }: TestDatabase): Settings {
  const pooler = process.env.TEST_POOLER;
  if (pooler === undefined) return { DATABASE_URL: url };
  const through = new URL(url);
  through.host = pooler;
  return { DATABASE_URL: through.href, DATABASE_POOLED: 'true' };
}

/** Boots the whole application on the database, listening on a free port. Several may share one database. */
export async function bootApp(
  database: TestDatabase,
  settings: Settings = {},
  arrange: (app: NestFastifyApplication) => void = () => undefined,
): Promise<TestApp> {
  const config = loadConfig({
    NODE_ENV: 'test',
    ...addressOf(database),
    JWT_SECRET: 'only-for-tests-0123456789abcdefghijkl',
    LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? 'silent',
    LOG_FORMAT: 'json',
    DATABASE_POOL_MAX: '10',
    // Tests call as often as they like; those of the limits say so.
    RATE_LIMIT_FACTOR: '0',
    // Tests change products past the service and look at once; those of the cache say so.
    PRODUCT_CACHE_MS: '0',
    ...settings,
  });
  const sequelize: Sequelize = connect(config.env.DATABASE_URL as string, config);
  const app = await createApp(config, sequelize, pino({ level: config.env.LOG_LEVEL }));
  arrange(app);
  await app.listen(0, '127.0.0.1');
  return {
    app,
    config,
    url: await app.getUrl(),
    close: async () => {
      await app.close();
      await sequelize.close();
    },
  };
}

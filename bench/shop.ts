import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { loadConfig } from '../src/platform/config/config.js';
import { connect } from '../src/platform/database/connection.js';
import { startEmbeddedPostgres } from '../src/platform/database/embedded-postgres.js';
import { runScripts } from '../src/platform/database/migrations.js';
import type { Options } from './options.js';
import { Service } from './service.js';
import { fillStockRoom } from './stock-room.js';

/** Everything that is measured, on a database of its own, filled. */
export interface Shop {
  databaseUrl: string;
  /** For looking at the tables, past everything that is measured. */
  postgres: pg.Client;
  service: Service;
  close(): Promise<void>;
}

/** Starts a Postgres that really waits for the disk, fills it, and starts the service on it. */
export async function openShop(options: Options): Promise<Shop> {
  const folder = await mkdtemp(join(options.folder ?? tmpdir(), 'holdfast-bench-'));
  const opened: (() => Promise<void>)[] = [() => rm(folder, { recursive: true, force: true })];
  const close = async () => {
    for (const undo of opened.splice(0).reverse()) await undo();
  };
  try {
    const server = await startEmbeddedPostgres({ dataDir: folder, port: 0, password: 'holdfast-bench' });
    opened.push(() => server.stop());
    await migrate(server.url);
    const postgres = new pg.Client({ connectionString: server.url });
    await postgres.connect();
    opened.push(() => postgres.end());
    await fillStockRoom(postgres);
    const service = await Service.start(server.url, folder, options.serviceNodeArguments);
    opened.push(() => service.stop());
    return { databaseUrl: server.url, postgres, service, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Brings an empty database to where the service expects it. */
export async function migrate(url: string): Promise<void> {
  await bringMigrations();
  const sequelize = connect(url, loadConfig({ DATABASE_URL: url }));
  await runScripts('migrations', sequelize);
  await sequelize.close();
}

// The build looks for them beside itself, as it would beside dist/.
async function bringMigrations(): Promise<void> {
  const build = fileURLToPath(new URL('..', import.meta.url));
  const repository = join(build, '../..');
  for (const name of ['migrations', 'seeders', 'admin']) {
    await symlink(join(repository, name), join(build, name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

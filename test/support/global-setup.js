import { mkdtemp, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
// jest does not transform what it runs before the tests, so this uses the build that `pretest` has made.
import { loadConfig } from '../../dist/platform/config/config.js';
import { connect } from '../../dist/platform/database/connection.js';
import { startEmbeddedPostgres } from '../../dist/platform/database/embedded-postgres.js';
import { runScripts } from '../../dist/platform/database/migrations.js';
import { installJobs } from '../../dist/platform/jobs/boss.js';

/** One real Postgres for the whole run, with one migrated and seeded database that every test file clones. */
export default async function setup() {
  const dataDir = await mkdtemp(join(await folder(), 'holdfast-test-'));
  const postgres = await startEmbeddedPostgres({
    dataDir,
    port: 0,
    password: 'holdfast-test',
    // Nothing here has to outlive a power cut; tests that kill processes start a Postgres of their own.
    settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '300' },
  });
  const admin = new pg.Client({ connectionString: postgres.url });
  await admin.connect();
  await admin.query('CREATE DATABASE holdfast_template');
  await admin.end();
  const templateUrl = postgres.url.replace(/\/holdfast$/, '/holdfast_template');
  const config = loadConfig({ DATABASE_URL: templateUrl, NODE_ENV: 'test' });
  const sequelize = connect(templateUrl, config);
  await runScripts('migrations', sequelize);
  await runScripts('seeders', sequelize);
  await sequelize.close();
  await installJobs(config);
  process.env.TEST_POSTGRES_URL = postgres.url;
  globalThis.holdfastTest = { postgres, dataDir };
}

const MEMORY = '/dev/shm';
const BYTES_WANTED = 4 * 1024 ** 3;

/** In memory where there is plenty: each test file makes and removes some hundred files of a database. */
async function folder() {
  const { bavail = 0, bsize = 0 } = await statfs(MEMORY).catch(() => ({}));
  return bavail * bsize >= BYTES_WANTED ? MEMORY : tmpdir();
}

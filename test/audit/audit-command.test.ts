import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../src/platform/config/config.js';
import { connect } from '../../src/platform/database/connection.js';
import { claimDataDir } from '../../src/platform/database/data-dir.js';
import { startEmbeddedPostgres } from '../../src/platform/database/embedded-postgres.js';
import { runScripts } from '../../src/platform/database/migrations.js';
import { cloneDatabase, type TestDatabase } from '../support/boot.js';
import { built } from '../support/build.js';

let database: TestDatabase;
let folder: string;

beforeAll(async () => {
  database = await cloneDatabase();
  folder = await mkdtemp(join(tmpdir(), 'holdfast-audit-'));
});

afterAll(async () => {
  await database?.drop();
  await rm(folder, { recursive: true, force: true });
});

/** `npm run audit` with this environment and no other. */
function runAudit(env: Record<string, string>): Promise<{ code: number | null; said: string }> {
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, [built('audit/main.js')], {
    cwd: folder,
    env: { PATH, HOME, NODE_ENV: 'test', ...env },
  });
  let said = '';
  child.stdout.on('data', (text) => (said += text));
  child.stderr.on('data', (text) => (said += text));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, said })));
}

describe('npm run audit', () => {
  it('ends with 0 when every promise holds', async () => {
    const { code, said } = await runAudit({ DATABASE_URL: database.url });
    expect(said).toMatch(/^ok {5}stock_equals_ledger$/m);
    expect(said).toMatch(/^consistent at \d{4}-/m);
    expect(code).toBe(0);
  });

  it('ends with 1 and names the check and its rows when one is broken', async () => {
    await database.sql('UPDATE products SET stock = stock + 1 WHERE id = 5');
    const { code, said } = await runAudit({ DATABASE_URL: database.url });
    await database.sql('UPDATE products SET stock = stock - 1 WHERE id = 5');
    expect(said).toMatch(/^BROKEN stock_equals_ledger: 1$/m);
    expect(said).toContain('"product_id":5');
    expect(said).toMatch(/^NOT CONSISTENT at/m);
    expect(code).toBe(1);
  });

  it('ends with 2 when it cannot look', async () => {
    const nowhere = await runAudit({ DATABASE_URL: 'postgres://holdfast:x@127.0.0.1:9/holdfast' });
    expect(nowhere.code).toBe(2);
    const { code, said } = await runAudit({ DATA_DIR: join(folder, 'none') });
    expect(said).toContain('start the service once');
    expect(code).toBe(2);
  });

  it('finds the embedded database, beside the running service and without it', async () => {
    const dataDir = join(folder, 'data');
    const claimed = await claimDataDir(dataDir);
    const password = await claimed.secret('postgres');
    const postgres = await startEmbeddedPostgres({ dataDir, port: 0, password, durable: false });
    try {
      const sequelize = connect(postgres.url, loadConfig({ DATABASE_URL: postgres.url }));
      await runScripts('migrations', sequelize);
      await sequelize.close();
      expect(await runAudit({ DATA_DIR: dataDir })).toMatchObject({ code: 0 });
    } finally {
      await postgres.stop();
      await claimed.release();
    }
    expect(await runAudit({ DATA_DIR: dataDir })).toMatchObject({ code: 0 });
  }, 60_000);
});

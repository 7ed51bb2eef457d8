import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Sequelize } from 'sequelize-typescript';
import type { RunnableMigration, Umzug } from 'umzug';
import { clientOf, type Tx } from './statement.js';

// src/platform/database and dist/platform/database are equally deep, so this is the repository's root for both.
const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Any constant that no other advisory lock of ours uses. */
const MIGRATION_LOCK = 7_205_759;

export type Scripts = 'migrations' | 'seeders';

/**
 * Runs every migration (or seeder) that has not run yet, all in one transaction, so that a start which is killed half-way
 * leaves nothing behind. Instances that start together take turns. Idempotent.
 * @returns the names of those that ran now.
 */
export async function runScripts(kind: Scripts, sequelize: Sequelize): Promise<string[]> {
  return sequelize.transaction(async (tx) => {
    await lockScripts(tx);
    await clientOf(tx).query(`CREATE TABLE IF NOT EXISTS schema_journal (
      kind text NOT NULL, name text NOT NULL, ran_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (kind, name))`);
    if ((await pendingOf(kind, tx)).length === 0) return [];
    const scripts = await scriptsOf(kind, tx);
    return namesOf(await scripts.up());
  });
}

/** Takes back the newest migration. @returns its name, or undefined when there is none. */
export async function revertNewest(sequelize: Sequelize): Promise<string | undefined> {
  return sequelize.transaction(async (tx) => {
    await lockScripts(tx);
    const scripts = await scriptsOf('migrations', tx);
    return namesOf(await scripts.down())[0];
  });
}

/** The migrations that this build knows and the database has not seen. */
export async function pendingMigrations(sequelize: Sequelize): Promise<string[]> {
  return sequelize.transaction((tx) => pendingOf('migrations', tx));
}

async function lockScripts(tx: Tx): Promise<void> {
  // Neither the wait for another instance's migration nor a migration itself is a statement that hangs.
  await clientOf(tx).query('SET LOCAL statement_timeout TO 0');
  await clientOf(tx).query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
}

const namesOf = (scripts: { name: string }[]) => scripts.map(({ name }) => name);

/** Scripts that have not run yet, in the order in which they would. */
async function pendingOf(kind: Scripts, tx: Tx): Promise<string[]> {
  const ran = new Set(await journal(kind, tx).executed());
  return (await filesOf(kind)).filter((name) => !ran.has(name));
}

/** In the order in which they run. */
async function filesOf(kind: Scripts): Promise<string[]> {
  const files = await readdir(join(root, kind));
  return files.filter((name) => /(?<!\.down)\.sql$/.test(name)).sort();
}

// Fetched here and not above: it brings a whole command line along, which would stay in memory, and most starts run no script.
async function scriptsOf(kind: Scripts, tx: Tx): Promise<Umzug<Tx>> {
  const { Umzug } = await import('umzug');
  return new Umzug({
    context: tx,
    logger: undefined,
    storage: journal(kind, tx),
    migrations: (await filesOf(kind)).map((name) => script(name, join(root, kind, name))),
  });
}

/** `NAME.sql` goes up, `NAME.down.sql` beside it goes down. Each is plain SQL and may hold many statements. */
function script(name: string, path: string): RunnableMigration<Tx> {
  const run = async (file: string, tx: Tx) => {
    await clientOf(tx).query(await readFile(file, 'utf8'));
  };
  return {
    name,
    up: ({ context }) => run(path, context),
    down: ({ context }) => run(path.replace(/\.sql$/, '.down.sql'), context),
  };
}

function journal(kind: Scripts, tx: Tx) {
  const client = clientOf(tx);
  return {
    async logMigration({ name }: { name: string }) {
      await client.query('INSERT INTO schema_journal (kind, name) VALUES ($1, $2)', [kind, name]);
    },
    async unlogMigration({ name }: { name: string }) {
      await client.query('DELETE FROM schema_journal WHERE kind = $1 AND name = $2', [kind, name]);
    },
    async executed() {
      // Asking what is pending must not need the right to make tables.
      const journals = await client.query(`SELECT FROM pg_class WHERE oid = to_regclass('schema_journal')`);
      if (journals.rowCount === 0) return [];
      const { rows } = await client.query<{ name: string }>(
        'SELECT name FROM schema_journal WHERE kind = $1 ORDER BY name',
        [kind],
      );
      return rows.map(({ name }) => name);
    },
  };
}

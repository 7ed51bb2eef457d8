import { existsSync } from 'node:fs';
import { loadConfig } from '../platform/config/config.js';
import { connect } from '../platform/database/connection.js';
import { DatabaseService } from '../platform/database/database.service.js';
import { openOwnDatabase } from '../platform/database/own-database.js';
import { AuditRepository } from './audit.repository.js';
import { AuditService } from './audit.service.js';
import type { AuditReport } from './audit.types.js';

const INCONSISTENT = 1;
const NOT_AUDITED = 2;

/**
 * `npm run audit`: proves the promises from the tables, of DATABASE_URL or else of the embedded database, whether the
 * service runs or not. Ends with 0 when all hold, 1 when one is broken, 2 when it could not look.
 */
async function main(): Promise<void> {
  if (existsSync('.env')) process.loadEnvFile('.env');
  const config = loadConfig(process.env);
  const database = await openOwnDatabase(config);
  const sequelize = connect(database.url, config);
  try {
    const repository = new AuditRepository(new DatabaseService(sequelize, config));
    const report = await new AuditService(repository, config).audit();
    console.log(linesOf(report).join('\n'));
    if (!report.consistent) process.exitCode = INCONSISTENT;
  } finally {
    await sequelize.close();
    await database.close();
  }
}

function linesOf({ consistent, checked_at, checks }: AuditReport): string[] {
  return [
    ...checks.flatMap(({ name, violations, sample }) => [
      `${violations === 0 ? 'ok    ' : 'BROKEN'} ${name}${violations === 0 ? '' : `: ${violations}`}`,
      ...sample.map((row) => `         ${JSON.stringify(row)}`),
    ]),
    `${consistent ? 'consistent' : 'NOT CONSISTENT'} at ${checked_at.toISOString()}`,
  ];
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = NOT_AUDITED;
});

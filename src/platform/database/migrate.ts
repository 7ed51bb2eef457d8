import { existsSync } from 'node:fs';
import { loadConfig } from '../config/config.js';
import { installJobs } from '../jobs/boss.js';
import { connect } from './connection.js';
import { revertNewest, runScripts } from './migrations.js';

/** `npm run migrate` and `npm run migrate -- down`, for a server named by DATABASE_URL. */
async function main(): Promise<void> {
  if (existsSync('.env')) process.loadEnvFile('.env');
  const config = loadConfig(process.env);
  if (config.embedded)
    throw new Error('DATABASE_URL is not set; the embedded database migrates when the service starts.');
  const sequelize = connect(config.env.DATABASE_URL as string, config);
  try {
    const down = process.argv[2] === 'down';
    const names = down ? [await revertNewest(sequelize)] : await runScripts('migrations', sequelize);
    if (!down) await installJobs(config);
    console.log(names.filter(Boolean).length > 0 ? names.join('\n') : 'nothing to do');
  } finally {
    await sequelize.close();
  }
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});

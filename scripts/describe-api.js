// Writes docs/openapi.json, the document that the service serves at /openapi.json. Needs the build, and no database: the
// pool connects at its first query, and there is none.
import { writeFile } from 'node:fs/promises';
import { pino } from 'pino';
import { createApp } from '../dist/app.js';
import { loadConfig } from '../dist/platform/config/config.js';
import { connect } from '../dist/platform/database/connection.js';
import { describeApi, printApi } from '../dist/platform/http/openapi.js';
import { PROBLEM_MEMBERS } from '../dist/problem-members.js';

const DATABASE_URL = 'postgres://nobody@localhost/nothing';
const config = loadConfig({ DATABASE_URL, JWT_SECRET: 'signs nothing' });
const app = await createApp(config, connect(DATABASE_URL, config), pino({ level: 'silent' }));
await writeFile(
  new URL('../docs/openapi.json', import.meta.url),
  printApi(describeApi(app, PROBLEM_MEMBERS)),
);

import { fileURLToPath } from 'node:url';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Logger as Pino } from 'pino';
import type { Sequelize } from 'sequelize-typescript';
import { AppModule } from './app.module.js';
import type { Config } from './platform/config/config.js';
import { serveAdminPage } from './platform/http/admin-page.js';
import { serveDocs } from './platform/http/openapi.js';
import { createServer } from './platform/http/server.js';
import { PROBLEM_MEMBERS } from './problem-members.js';

/** Where `npm run build:admin` puts the admin's page, beside the built service. */
const ADMIN_PAGE = fileURLToPath(new URL('admin-page', import.meta.url));

/** The whole application on an open pool, docs and the admin's page included. It does not listen yet; whoever opened the pool closes it. */
export async function createApp(
  config: Config,
  sequelize: Sequelize,
  log: Pino,
): Promise<NestFastifyApplication> {
  const app = await createServer(AppModule.with(config, sequelize), config, log);
  serveDocs(app, PROBLEM_MEMBERS);
  serveAdminPage(app.getHttpAdapter().getInstance(), ADMIN_PAGE);
  return app;
}

import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Logger as Pino } from 'pino';
import type { Sequelize } from 'sequelize-typescript';
import { AppModule } from './app.module.js';
import type { Config } from './platform/config/config.js';
import { serveDocs } from './platform/http/openapi.js';
import { createServer } from './platform/http/server.js';

/** The whole application on an open pool, docs included. It does not listen yet; whoever opened the pool closes it. */
export async function createApp(
  config: Config,
  sequelize: Sequelize,
  log: Pino,
): Promise<NestFastifyApplication> {
  const app = await createServer(AppModule.with(config, sequelize), config, log);
  serveDocs(app);
  return app;
}

import { Inject, Injectable } from '@nestjs/common';
import type { Sequelize } from 'sequelize-typescript';
import { SEQUELIZE } from '../database/database.service.js';
import { Metrics } from './metrics.service.js';

/** Sequelize has it, its types do not say so. */
interface Pool {
  readonly size: number;
  readonly using: number;
  readonly waiting: number;
  readonly maxSize: number;
}

/** The connections to the database. Those of the job queue are its own and not counted. */
@Injectable()
export class PoolMetrics {
  constructor(@Inject(SEQUELIZE) sequelize: Sequelize, metrics: Metrics) {
    const { pool } = sequelize.connectionManager as unknown as { pool: Pool };
    metrics.gaugeOf('database_pool_max', 'How many connections there may be.', () => pool.maxSize);
    metrics.gaugeOf('database_pool_size', 'Connections that are open.', () => pool.size);
    metrics.gaugeOf('database_pool_in_use', 'Connections that somebody works on.', () => pool.using);
    metrics.gaugeOf('database_pool_waiting', 'Who waits for a connection.', () => pool.waiting);
  }
}

import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Recurring } from '../recurring.js';
import { uuidv7 } from '../uuid.js';
import { SqlState, sqlStateOf } from './database.errors.js';
import { DatabaseService } from './database.service.js';
import { Statement } from './statement.js';

const HEARTBEAT_INTERVAL_MS = 2_000;

const beat = new Statement(
  'instance-beat',
  `INSERT INTO instances (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET seen_at = now()`,
);
const leave = new Statement('instance-leave', 'DELETE FROM instances WHERE id = $1');
const bury = new Statement(
  'instance-bury',
  `DELETE FROM instances WHERE seen_at < now() - interval '1 hour'`,
);

/** SQL: the instance in `column` still lives. A dead one is noticed within six seconds, without anybody's clock but the database's. */
export const isAlive = (column: string) =>
  `EXISTS (SELECT FROM instances i WHERE i.id = ${column} AND i.seen_at > now() - interval '6 seconds')`;

/**
 * Who we are among the processes that share the database. Work that is half done names its instance, so that others can
 * tell "still at it" from "died at it" and take it over soon and only then.
 */
@Injectable()
export class InstanceService implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly id = uuidv7();
  private readonly heartbeat = new Recurring('instance heartbeat', HEARTBEAT_INTERVAL_MS, () => this.beat());

  constructor(private readonly database: DatabaseService) {}

  async onApplicationBootstrap(): Promise<void> {
    try {
      await this.beat();
      await this.database.transaction((tx) => bury.run([], tx));
    } catch (error) {
      // Not migrated yet (MIGRATE_ON_START=false): there is no work either, and the heartbeat will tell of us later.
      if (sqlStateOf(error) !== SqlState.undefinedTable) throw error;
    }
    this.heartbeat.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.heartbeat.stop();
    await this.database.transaction((tx) => leave.run([this.id], tx)).catch(() => undefined);
  }

  private async beat(): Promise<void> {
    await this.database.transaction((tx) => beat.run([this.id], tx));
  }
}

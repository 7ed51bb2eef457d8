import { Inject, Injectable } from '@nestjs/common';
import type { Sequelize } from 'sequelize-typescript';
import { DatabaseService, SEQUELIZE } from '../database/database.service.js';
import { pendingMigrations } from '../database/migrations.js';
import { Statement } from '../database/statement.js';
import { Drain } from '../http/drain.js';

export type CheckState = 'up' | 'degraded' | 'down';

export interface Readiness {
  status: CheckState;
  checks: Record<string, CheckState>;
}

const PING_TIMEOUT_MS = 2_000;

const ping = new Statement('health-ping', 'SELECT 1');

/** Whether this process should be sent requests. */
@Injectable()
export class HealthService {
  private migrated = false;

  constructor(
    @Inject(SEQUELIZE) private readonly sequelize: Sequelize,
    private readonly database: DatabaseService,
    private readonly drain: Drain,
  ) {}

  /** Asks every dependency, each for a bounded time. A service that is about to stop is down, however well it is. */
  async readiness(): Promise<Readiness> {
    const database = await this.reaches(() => this.database.read(ping, []));
    const migrations = database === 'up' ? await this.migrations() : 'down';
    const checks: Record<string, CheckState> = { database, migrations, outbox: database };
    if (this.drain.begun) return { status: 'down', checks };
    const states = Object.values(checks);
    const status = states.includes('down') ? 'down' : states.includes('degraded') ? 'degraded' : 'up';
    return { status, checks };
  }

  // A schema does not go back while we run, so having been seen complete is enough.
  private async migrations(): Promise<CheckState> {
    if (this.migrated) return 'up';
    const state = await this.reaches(async () => {
      const pending = await pendingMigrations(this.sequelize);
      if (pending.length > 0) throw new Error(`pending: ${pending.join(', ')}`);
    });
    this.migrated = state === 'up';
    return state;
  }

  private async reaches(ask: () => Promise<unknown>): Promise<CheckState> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<'down'>((resolve) => {
      timer = setTimeout(resolve, PING_TIMEOUT_MS, 'down');
    });
    try {
      return await Promise.race([ask().then(() => 'up' as const), limit]);
    } catch {
      return 'down';
    } finally {
      clearTimeout(timer);
    }
  }
}

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
  private readonly watched = new Map<string, () => Promise<CheckState>>();

  constructor(
    @Inject(SEQUELIZE) private readonly sequelize: Sequelize,
    private readonly database: DatabaseService,
    private readonly drain: Drain,
  ) {}

  /** Adds a check: `check` is asked at each readiness request while the database answers. One that fails is `down`. */
  watch(name: string, check: () => Promise<CheckState>): void {
    this.watched.set(name, check);
  }

  /** Asks every dependency, each for a bounded time. A service that is about to stop is down, however well it is. */
  async readiness(): Promise<Readiness> {
    const database = await this.within(() => this.database.read(ping, []).then(() => 'up'));
    const migrations = database === 'up' ? await this.migrations() : 'down';
    const checks: Record<string, CheckState> = { database, migrations };
    for (const [name, check] of this.watched) {
      checks[name] = database === 'up' ? await this.within(check) : 'down';
    }
    if (this.drain.begun) return { status: 'down', checks };
    const states = Object.values(checks);
    const status = states.includes('down') ? 'down' : states.includes('degraded') ? 'degraded' : 'up';
    return { status, checks };
  }

  // A schema does not go back while we run, so having been seen complete is enough.
  private async migrations(): Promise<CheckState> {
    if (this.migrated) return 'up';
    const state = await this.within(async () => {
      const pending = await pendingMigrations(this.sequelize);
      return pending.length > 0 ? 'down' : 'up';
    });
    this.migrated = state === 'up';
    return state;
  }

  /** What `ask` answers; `down` when it fails or takes too long. */
  private async within(ask: () => Promise<CheckState>): Promise<CheckState> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<'down'>((resolve) => {
      timer = setTimeout(resolve, PING_TIMEOUT_MS, 'down');
    });
    try {
      return await Promise.race([ask(), limit]);
    } catch {
      return 'down';
    } finally {
      clearTimeout(timer);
    }
  }
}

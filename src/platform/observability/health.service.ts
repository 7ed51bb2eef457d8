import { Inject, Injectable } from '@nestjs/common';
import type { Sequelize } from 'sequelize-typescript';
import { DatabaseService, SEQUELIZE } from '../database/database.service.js';
import { pendingMigrations } from '../database/migrations.js';
import { Statement } from '../database/statement.js';
import { Drain } from '../http/drain.js';
import { LoadShedding } from '../http/load-shedding.js';

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
  private readonly watched = new Map<string, { check: () => Promise<CheckState>; onDatabase: boolean }>();

  constructor(
    @Inject(SEQUELIZE) private readonly sequelize: Sequelize,
    private readonly database: DatabaseService,
    private readonly drain: Drain,
    private readonly shedding: LoadShedding,
  ) {}

  /**
   * Adds a check: `check` is asked at each readiness request. One that fails is `down`. One `onDatabase` is not asked unless the
   * database answers: it stands as that does.
   */
  watch(name: string, check: () => Promise<CheckState>, { onDatabase } = { onDatabase: true }): void {
    this.watched.set(name, { check, onDatabase });
  }

  /** Asks every dependency, each for a bounded time. A service that is about to stop is down, however well it is. */
  async readiness(): Promise<Readiness> {
    const database = await this.askDatabase();
    const migrations = database === 'up' ? await this.migrations() : database;
    const checks: Record<string, CheckState> = { database, migrations };
    for (const [name, { check, onDatabase }] of this.watched) {
      checks[name] = onDatabase && database !== 'up' ? database : await this.within(check);
    }
    if (this.drain.begun) return { status: 'down', checks };
    const states = Object.values(checks);
    const status = states.includes('down') ? 'down' : states.includes('degraded') ? 'degraded' : 'up';
    return { status, checks };
  }

  // While so many wait for a connection that requests are refused, it is not away: too much is asked of it.
  private async askDatabase(): Promise<CheckState> {
    const state = await this.within(() => this.database.read(ping, []).then(() => 'up'));
    return state === 'down' && this.shedding.isPoolOverrun ? 'degraded' : state;
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

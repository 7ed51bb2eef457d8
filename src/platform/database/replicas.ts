import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { Counter } from 'prom-client';
import type { Sequelize } from 'sequelize-typescript';
import { Config } from '../config/config.js';
import { Metrics } from '../observability/metrics.service.js';
import { connectToReplica } from './connection.js';
import { DatabaseService } from './database.service.js';
import { readTogether } from './reads.js';
import { Statement } from './statement.js';

/** After an answer that could not be used, nobody asks there again for so long. */
const ASIDE_MS = { behind: 50, lagging: 1_000, down: 5_000 } as const;

type Unusable = keyof typeof ASIDE_MS;

interface Replica {
  /** Its host and port: the address may carry a password. */
  name: string;
  pool: Sequelize;
  asideUntil: number;
  /** What was told of it last. */
  trouble: Unusable | null;
}

/** What a standby must have replayed so that it shows everything of ours that was committed by then. */
interface Mark {
  commits: number;
  position: string;
}

// Not the position that is flushed: with synchronous_commit off that may come before a commit which was answered.
const whereWritten = new Statement<{ position: string }>(
  'replica-where-written',
  'SELECT pg_current_wal_insert_lsn()::text AS position',
);
// Something is committed every two seconds, an instance's sign of life at least: so the time of the last that was replayed
// tells the lag. Both are null on what is not a standby.
const howFar = new Statement<{ has_ours: boolean; lag_ms: number }>(
  'replica-how-far',
  `SELECT coalesce(pg_last_wal_replay_lsn() >= $1::pg_lsn, false) AS has_ours,
     coalesce(extract(epoch FROM now() - pg_last_xact_replay_timestamp()) * 1000, 1e12)::float8 AS lag_ms`,
);

/**
 * Reads that may be answered by a streaming standby: those of the catalog. What this process has committed it also shows: a
 * standby is believed only when, asked together with the read itself, it has replayed as far as our last commit and lags no
 * more than `DATABASE_REPLICA_LAG_MAX_MS`. Else the primary is asked, as it is without any standby. What other processes have
 * committed may show that much later.
 */
@Injectable()
export class Replicas implements OnApplicationShutdown {
  private readonly logger = new Logger(Replicas.name);
  private readonly replicas: Replica[];
  private readonly reads: Counter<'by'>;
  private mark: Mark = { commits: -1, position: '0/0' };
  private turn = 0;

  constructor(
    private readonly database: DatabaseService,
    private readonly config: Config,
    metrics: Metrics,
  ) {
    this.replicas = (config.env.DATABASE_REPLICA_URLS ?? []).map((url) => ({
      name: new URL(url).host,
      pool: connectToReplica(url, config),
      asideUntil: 0,
      trouble: null,
    }));
    this.reads = metrics.counter(
      'database_replica_reads_total',
      'Reads that a standby may answer, by who has: `replica`, or `primary` because the standby was asked in vain (`behind` our own commits, `lagging`, `down`), or because none could be asked.',
      ['by'],
    );
  }

  /** One statement outside of any transaction, like `DatabaseService.read`. Fails only when the primary does. */
  async read<Row extends object>(statement: Statement<Row>, values: unknown[]): Promise<Row[]> {
    if (this.replicas.length === 0) return this.database.read(statement, values);
    const { commits } = this.database;
    if (commits !== this.mark.commits) return this.readAndMark(commits, statement, values);
    const replica = this.next();
    const rows = replica && (await this.readAt(replica, statement, values));
    if (rows) return rows;
    if (!replica) this.reads.inc({ by: 'primary' });
    return this.database.read(statement, values);
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.replicas.map(({ pool }) => pool.close()));
  }

  /** At the primary, which tells where it stands in the same flight: so each of our commits costs the standbys one read. */
  private async readAndMark<Row extends object>(
    commits: number,
    statement: Statement<Row>,
    values: unknown[],
  ): Promise<Row[]> {
    const [[where], rows] = await this.database.readBoth([whereWritten, []], [statement, values]);
    if (where && commits > this.mark.commits) this.mark = { commits, position: where.position };
    this.reads.inc({ by: 'primary' });
    return rows;
  }

  /** They take turns. Null when all are set aside. */
  private next(): Replica | null {
    const now = performance.now();
    for (let tried = 0; tried < this.replicas.length; tried++) {
      this.turn = (this.turn + 1) % this.replicas.length;
      const replica = this.replicas[this.turn] as Replica;
      if (replica.asideUntil <= now) return replica;
    }
    return null;
  }

  /** The rows, or null when they may not be believed or cannot be had. */
  private async readAt<Row extends object>(
    replica: Replica,
    statement: Statement<Row>,
    values: unknown[],
  ): Promise<Row[] | null> {
    // One asks whether it is up again; the others do not wait with them.
    if (replica.trouble === 'down') replica.asideUntil = performance.now() + ASIDE_MS.down;
    try {
      const { position } = this.mark;
      const [state, rows] = await readTogether(replica.pool, [howFar, [position]], [statement, values]);
      const { has_ours, lag_ms } = (state as { has_ours: boolean; lag_ms: number }[])[0] ?? {};
      if (!has_ours) return this.setAside(replica, 'behind');
      if ((lag_ms ?? 0) > this.config.env.DATABASE_REPLICA_LAG_MAX_MS)
        return this.setAside(replica, 'lagging');
      if (replica.trouble) this.logger.log(`the replica ${replica.name} is read again`);
      replica.trouble = null;
      replica.asideUntil = 0;
      this.reads.inc({ by: 'replica' });
      return rows as Row[];
    } catch (error) {
      return this.setAside(replica, 'down', (error as Error).message);
    }
  }

  private setAside(replica: Replica, why: Unusable, reason = ''): null {
    this.reads.inc({ by: why });
    replica.asideUntil = performance.now() + ASIDE_MS[why];
    // To be behind our own commits for a moment is how replication works.
    if (why !== 'behind' && replica.trouble !== why) {
      this.logger.warn(`the replica ${replica.name} is ${why}, the primary is read: ${reason}`);
      replica.trouble = why;
    }
    return null;
  }
}

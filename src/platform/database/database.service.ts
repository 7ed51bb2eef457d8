import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { Sequelize } from 'sequelize-typescript';
import { Config } from '../config/config.js';
import { isRetryable } from './database.errors.js';
import { inOneFlight } from './flight.js';
import { type Question, readTogether } from './reads.js';
import { clientOf, type Statement, type Tx } from './statement.js';

export const SEQUELIZE = Symbol('sequelize');

const ATTEMPTS_MAX = 5;
const BACKOFF_BASE_MS = 10;

/** The one door to the database. Whoever opened the pool (`main.ts`) closes it, after everything else has stopped. */
@Injectable()
export class DatabaseService {
  private readonly logger = new Logger(DatabaseService.name);
  private readonly limits: [string, string];
  private commitCount = 0;

  constructor(
    @Inject(SEQUELIZE) private readonly sequelize: Sequelize,
    config: Config,
  ) {
    this.limits = [
      String(config.env.DATABASE_LOCK_TIMEOUT_MS),
      String(config.env.DATABASE_STATEMENT_TIMEOUT_MS),
    ];
  }

  /** How many transactions this process has committed, or may have: what is read after one must show it. */
  get commits(): number {
    return this.commitCount;
  }

  /**
   * Runs `work` in one transaction: commits what it did when it returns, rolls all of it back when it throws.
   *
   * The whole of `work` runs again (up to five times in all, with jitter) when Postgres has undone the transaction
   * for a deadlock or a serialization failure, so `work` must have no effect outside `tx`: no network call, no
   * counter, no event emitter.
   *
   * A connection lost during COMMIT is thrown, not retried: the outcome is then unknown to us.
   */
  async transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.sequelize.transaction(async (tx) => {
          // Before anybody else can hear of the commit.
          tx.afterCommit(() => {
            this.commitCount += 1;
          });
          // In one flight with the first statement of the work.
          const [, result] = await inOneFlight([this.limit(tx), work(tx)]);
          return result;
        });
      } catch (error) {
        if (!isRetryable(error) || attempt >= ATTEMPTS_MAX) throw error;
        this.logger.debug(`transaction undone by the database, running it again (${attempt})`);
        await delay(Math.random() * BACKOFF_BASE_MS * 2 ** attempt);
      }
    }
  }

  /**
   * Runs `work` in one read-only transaction whose statements all see the database as it was at the first of them, whatever
   * others commit meanwhile. Nobody waits for it, and it waits for nobody.
   */
  async snapshot<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.sequelize.transaction(async (tx) => {
      await clientOf(tx).query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
      await this.limit(tx);
      return work(tx);
    });
  }

  /**
   * Runs `work` under a savepoint of `tx`. When it throws, what it did is undone and no more: who catches the error goes on
   * in `tx`. The locks that it has taken since are let go.
   */
  async part<T>(work: () => Promise<T>, tx: Tx): Promise<T> {
    const client = clientOf(tx);
    await client.query('SAVEPOINT part');
    try {
      const done = await work();
      await client.query('RELEASE SAVEPOINT part');
      return done;
    } catch (error) {
      // On a lost connection this fails as well: the first error says why.
      await client.query('ROLLBACK TO SAVEPOINT part').catch(() => undefined);
      throw error;
    }
  }

  /**
   * Runs one statement outside of any transaction, for reads that need no lock and no common snapshot. The server ends one that
   * takes longer than `DATABASE_STATEMENT_TIMEOUT_MS`. What writes belongs into a transaction, however small it is.
   */
  async read<Row extends object>(statement: Statement<Row>, values: unknown[]): Promise<Row[]> {
    const [rows] = await readTogether(this.sequelize, [statement, values]);
    return rows as Row[];
  }

  /** `read` for two statements that are sent together, on one connection: the second begins when the first has ended. */
  async readBoth<First extends object, Second extends object>(
    first: Question<First>,
    second: Question<Second>,
  ): Promise<[First[], Second[]]> {
    const [one, other] = await readTogether(this.sequelize, first, second);
    return [one as First[], other as Second[]];
  }

  /** `read`, for the one row that there is, or null. */
  async readFirst<Row extends object>(statement: Statement<Row>, values: unknown[]): Promise<Row | null> {
    return (await this.read(statement, values))[0] ?? null;
  }

  // A statement that waits for ever would hold its row locks for ever. SET LOCAL, so that a pooler between us and
  // Postgres may give the connection to somebody else afterwards.
  private async limit(tx: Tx): Promise<void> {
    await clientOf(tx).query({
      name: 'transaction-limits',
      text: `SELECT set_config('lock_timeout', $1, true), set_config('statement_timeout', $2, true)`,
      values: this.limits,
    });
  }
}

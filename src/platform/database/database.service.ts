import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { Sequelize } from 'sequelize-typescript';
import { Config } from '../config/config.js';
import { currentDeadline, type Deadline } from '../deadline.js';
import { RequestTimedOut } from '../errors.js';
import { currentSpan, inSpan, type Task } from '../observability/tracing.js';
import { isBusy, isRetryable } from './database.errors.js';
import { inOneFlight } from './flight.js';
import { type Question, readTogether } from './reads.js';
import { clientOf, type Statement, type Tx } from './statement.js';
import { effectsOf, forgetEffectsAfter } from './when-committed.js';

export const SEQUELIZE = Symbol('sequelize');

const ATTEMPTS_MAX = 5;
const BACKOFF_BASE_MS = 10;

/** Its last part, when no statement runs any more, is COMMIT. */
const TRANSACTION: Task = { name: 'transaction', attributes: { 'db.system.name': 'postgresql' } };

/** The one door to the database. Whoever opened the pool (`main.ts`) closes it, after everything else has stopped. */
@Injectable()
export class DatabaseService {
  private readonly logger = new Logger(DatabaseService.name);
  private readonly lockTimeoutMs: number;
  private readonly statementTimeoutMs: number;
  private commitCount = 0;

  constructor(
    @Inject(SEQUELIZE) private readonly sequelize: Sequelize,
    config: Config,
  ) {
    this.lockTimeoutMs = config.env.DATABASE_LOCK_TIMEOUT_MS;
    this.statementTimeoutMs = config.env.DATABASE_STATEMENT_TIMEOUT_MS;
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
   * counter, no event emitter. What is to be counted is said to `whenCommitted`.
   *
   * A connection lost during COMMIT is thrown, not retried: the outcome is then unknown to us.
   *
   * Within a request it waits no longer than the request has time, and does not commit after that.
   * @throws RequestTimedOut when it is over, and then nothing was done.
   */
  async transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return inSpan(TRANSACTION, () => this.attempt(work));
  }

  private async attempt<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const deadline = currentDeadline();
    for (let attempt = 1; ; attempt++) {
      try {
        const { result, effects } = await this.sequelize.transaction(async (tx) => {
          // The wait for a connection may have taken all the time.
          if (deadline?.isOver) throw new RequestTimedOut();
          // Before anybody else can hear of the commit.
          tx.afterCommit(() => {
            this.commitCount += 1;
          });
          // In one flight with the first statement of the work.
          const [, result] = await inOneFlight([this.limit(tx, deadline), work(tx)]);
          deadline?.keep();
          return { result, effects: effectsOf(tx) };
        });
        for (const effect of effects) effect();
        return result;
      } catch (error) {
        if (deadline?.isOver && (isBusy(error) || isRetryable(error))) throw new RequestTimedOut();
        if (!isRetryable(error) || attempt >= ATTEMPTS_MAX) throw error;
        currentSpan()?.addEvent('undone by the database');
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
    return inSpan(TRANSACTION, () =>
      this.sequelize.transaction(async (tx) => {
        await clientOf(tx).query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
        await this.limit(tx, undefined);
        return work(tx);
      }),
    );
  }

  /**
   * Runs `work` under a savepoint of `tx`. When it throws, what it did is undone and no more: who catches the error goes on
   * in `tx`. The locks that it has taken since are let go.
   */
  async part<T>(work: () => Promise<T>, tx: Tx): Promise<T> {
    const client = clientOf(tx);
    const effects = effectsOf(tx).length;
    await client.query('SAVEPOINT part');
    try {
      const done = await work();
      await client.query('RELEASE SAVEPOINT part');
      return done;
    } catch (error) {
      forgetEffectsAfter(effects, tx);
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
  private async limit(tx: Tx, deadline: Deadline | undefined): Promise<void> {
    const leftMs = Math.max(1, Math.ceil(deadline?.leftMs ?? Number.POSITIVE_INFINITY));
    await clientOf(tx).query({
      name: 'transaction-limits',
      text: `SELECT set_config('lock_timeout', $1, true), set_config('statement_timeout', $2, true)`,
      values: [
        String(Math.min(this.lockTimeoutMs, leftMs)),
        String(Math.min(this.statementTimeoutMs, leftMs)),
      ],
    });
  }
}

import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, Logger } from '@nestjs/common';
import type { Client } from 'pg';
import { Sequelize } from 'sequelize-typescript';
import { Config } from '../config/config.js';
import { isRetryable } from './database.errors.js';
import { inOneFlight } from './flight.js';
import { clientOf, type Statement, type Tx } from './statement.js';
import { effectsOf, forgetEffectsAfter } from './when-committed.js';

export const SEQUELIZE = Symbol('sequelize');

const ATTEMPTS_MAX = 5;
const BACKOFF_BASE_MS = 10;

type Connections = {
  getConnection(options: { type: 'read' | 'write' }): Promise<Client>;
  releaseConnection(client: Client): void;
};

/** The one door to the database. Whoever opened the pool (`main.ts`) closes it, after everything else has stopped. */
@Injectable()
export class DatabaseService {
  private readonly logger = new Logger(DatabaseService.name);
  private readonly limits: [string, string];

  constructor(
    @Inject(SEQUELIZE) private readonly sequelize: Sequelize,
    config: Config,
  ) {
    this.limits = [
      String(config.env.DATABASE_LOCK_TIMEOUT_MS),
      String(config.env.DATABASE_STATEMENT_TIMEOUT_MS),
    ];
  }

  /**
   * Runs `work` in one transaction: commits what it did when it returns, rolls all of it back when it throws.
   *
   * The whole of `work` runs again (up to five times in all, with jitter) when Postgres has undone the transaction
   * for a deadlock or a serialization failure, so `work` must have no effect outside `tx`: no network call, no
   * counter, no event emitter. What is to be counted is said to `whenCommitted`.
   *
   * A connection lost during COMMIT is thrown, not retried: the outcome is then unknown to us.
   */
  async transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        const { result, effects } = await this.sequelize.transaction(async (tx) => {
          // In one flight with the first statement of the work.
          const [, result] = await inOneFlight([this.limit(tx), work(tx)]);
          return { result, effects: effectsOf(tx) };
        });
        for (const effect of effects) effect();
        return result;
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
    const connections = this.sequelize.connectionManager as unknown as Connections;
    const client = await connections.getConnection({ type: 'read' });
    try {
      const { name, text } = statement;
      return (await client.query<Row>({ name, text, values })).rows;
    } finally {
      connections.releaseConnection(client);
    }
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

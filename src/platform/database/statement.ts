import type { Client } from 'pg';
import { traced } from './traced-query.js';
import type { Tx } from './tx.js';

export type { Tx } from './tx.js';

/** The `pg` client under a Sequelize transaction: Sequelize has it, its types do not say so. */
export function clientOf(tx: Tx): Client {
  return (tx as Tx & { connection: Client }).connection;
}

/**
 * A named, prepared statement that runs on the transaction's own connection.
 *
 * Postgres parses and plans it once per connection, and Sequelize's query builder stays out of the way: on the
 * placement path this is worth more than half of the time in Node.
 */
export class Statement<Row extends object = Record<string, unknown>> {
  constructor(
    readonly name: string,
    readonly text: string,
  ) {}

  /** Runs in `tx`; answers the rows. */
  run(values: unknown[], tx: Tx): Promise<Row[]> {
    return this.runOn(clientOf(tx), values);
  }

  /** Runs on a connection that belongs to no transaction, for `DatabaseService.read`. */
  async runOn(client: Client, values: unknown[]): Promise<Row[]> {
    const { name, text } = this;
    const result = await traced(name, client, () => client.query<Row>({ name, text, values }));
    return result.rows;
  }

  /** Runs in `tx`; answers the first row, or null. */
  async first(values: unknown[], tx: Tx): Promise<Row | null> {
    return (await this.run(values, tx))[0] ?? null;
  }
}

/**
 * A statement made for what was asked. Without a name Postgres plans it with its values at hand: for where the shapes are many, and
 * which index serves best depends on what is asked for.
 */
export const unnamed = <Row extends object>(text: string) => new Statement<Row>('', text);

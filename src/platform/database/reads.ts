import type { Client } from 'pg';
import type { Sequelize } from 'sequelize-typescript';
import { inOneFlight } from './flight.js';
import type { Statement } from './statement.js';

/** A statement with its values. */
export type Question<Row extends object> = [Statement<Row>, unknown[]];

/** Sequelize has it, its types do not say so. */
interface Connections {
  getConnection(options: { type: 'read' | 'write' }): Promise<Client>;
  releaseConnection(client: Client): void;
}

/** Asks all of them in one flight on one connection of the pool, one after the other and outside of any transaction. */
export async function readTogether(
  sequelize: Sequelize,
  ...questions: Question<object>[]
): Promise<object[][]> {
  const connections = sequelize.connectionManager as unknown as Connections;
  const client = await connections.getConnection({ type: 'read' });
  try {
    return await inOneFlight(questions.map(([statement, values]) => statement.runOn(client, values)));
  } finally {
    connections.releaseConnection(client);
  }
}

import type { Socket } from 'node:net';
import type { Client } from 'pg';
import type { Sequelize } from 'sequelize-typescript';
import { isConnectionFault } from './database.errors.js';
import { inOneFlight } from './flight.js';
import type { Statement } from './statement.js';

/** A statement with its values. */
export type Question<Row extends object> = [Statement<Row>, unknown[]];

/** Sequelize has it, its types do not say so. */
interface Connections {
  getConnection(options: { type: 'read' | 'write' }): Promise<Client>;
  releaseConnection(client: Client): void;
  destroyConnection(client: Client): Promise<void>;
}

/** Asks all of them in one flight on one connection of the pool, one after the other and outside of any transaction. */
export async function readTogether(
  sequelize: Sequelize,
  ...questions: Question<object>[]
): Promise<object[][]> {
  const connections = sequelize.connectionManager as unknown as Connections;
  const client = await connections.getConnection({ type: 'read' });
  let isSound = true;
  try {
    return await inOneFlight(questions.map(([statement, values]) => statement.runOn(client, values)));
  } catch (error) {
    isSound = !isConnectionFault(error);
    throw error;
  } finally {
    if (isSound) connections.releaseConnection(client);
    else giveUp(client, connections);
  }
}

// It may still owe us an answer: whoever came next would wait behind that, and so would a farewell.
function giveUp(client: Client, connections: Connections): void {
  (client as Client & { connection: { stream: Socket } }).connection.stream.destroy();
  connections.destroyConnection(client).catch(() => undefined);
}

import pg from 'pg';
import { Sequelize } from 'sequelize-typescript';
import type { Config } from '../config/config.js';

const INT8_OID = 20;
// Every int8 we store (minor units, ledger ids) is bounded below 2^53 by a CHECK or by its growth; pg's default is text.
pg.types.setTypeParser(INT8_OID, Number);

/**
 * Statements that are started together leave together, and each wait for an answer is one wait. Only what is started
 * without awaiting what came before is affected; the server still runs them one after the other.
 */
class PipelinedClient extends pg.Client {
  constructor(config: pg.ClientConfig) {
    super({ ...config, pipeline: true } as pg.ClientConfig);
  }
}

const POOL_ACQUIRE_TIMEOUT_MS = 5_000;
const CONNECT_TIMEOUT_MS = 5_000;

/** Opens the pool; connects at the first query. */
export function connect(url: string, config: Config): Sequelize {
  const statementTimeoutMs = config.env.DATABASE_STATEMENT_TIMEOUT_MS;
  return new Sequelize(url, {
    dialect: 'postgres',
    // Sequelize takes only the options that it knows, and `pipeline` is not among them.
    dialectModule: { ...pg, Client: PipelinedClient },
    logging: false,
    pool: { max: config.env.DATABASE_POOL_MAX, min: 0, acquire: POOL_ACQUIRE_TIMEOUT_MS, idle: 60_000 },
    dialectOptions: {
      application_name: 'holdfast',
      keepAlive: true,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      // The server's own limit comes first; this one ends a query whose connection was cut without a word.
      query_timeout: statementTimeoutMs + 5_000,
    },
    hooks: {
      // For what runs outside of a transaction; a transaction sets its own. Once a connection, so a read pays nothing for it,
      // and not as a parameter of the start, which poolers refuse. Behind one that hands its connections around, some reads
      // have the limit and some only ours above; whoever shares our user's connections may have it as well.
      afterConnect: async (connection) => {
        await (connection as pg.Client).query(`SET statement_timeout TO ${statementTimeoutMs}`);
      },
    },
  });
}

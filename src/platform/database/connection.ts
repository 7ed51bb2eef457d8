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
    // Sequelize listens only some time after the server has said that it is ready. A server that is killed at this moment would
    // end our process, since nobody has heard; the statement that comes next finds out as well.
    this.on('error', () => undefined);
  }
}

/**
 * Behind a pooler each transaction has another connection, which knows nothing of what was prepared on the one before: so
 * nothing is prepared, and Postgres parses and plans each statement anew.
 */
class PooledClient extends PipelinedClient {
  constructor(config: pg.ClientConfig) {
    super(config);
    const query = this.query.bind(this) as (...all: unknown[]) => unknown;
    this.query = ((statement: unknown, ...rest: unknown[]) =>
      query(withoutName(statement), ...rest)) as typeof this.query;
  }
}

function withoutName(statement: unknown): unknown {
  const isNamed = typeof statement === 'object' && statement !== null && 'name' in statement;
  return isNamed ? { ...statement, name: undefined } : statement;
}

const POOL_ACQUIRE_TIMEOUT_MS = 5_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** The server's own limit comes first; after it and this, a query is ended whose connection was cut without a word. */
const GRACE_MS = 5_000;

/** How long whoever wants to read waits for a standby that does not answer before the primary is asked. */
const REPLICA_CONNECT_TIMEOUT_MS = 1_000;
const REPLICA_STATEMENT_TIMEOUT_MS = 3_000;
const REPLICA_GRACE_MS = 500;

interface Patience {
  acquireMs: number;
  connectMs: number;
  statementMs: number;
  graceMs: number;
}

/** Opens the pool; connects at the first query. */
export function connect(url: string, config: Config): Sequelize {
  const statementMs = config.env.DATABASE_STATEMENT_TIMEOUT_MS;
  return open(url, config, {
    acquireMs: POOL_ACQUIRE_TIMEOUT_MS,
    connectMs: CONNECT_TIMEOUT_MS,
    statementMs,
    graceMs: GRACE_MS,
  });
}

/** `connect`, to a standby: somebody else can be asked, so nobody waits for long. */
export function connectToReplica(url: string, config: Config): Sequelize {
  const statementMs = Math.min(config.env.DATABASE_STATEMENT_TIMEOUT_MS, REPLICA_STATEMENT_TIMEOUT_MS);
  return open(url, config, {
    acquireMs: REPLICA_CONNECT_TIMEOUT_MS,
    connectMs: REPLICA_CONNECT_TIMEOUT_MS,
    statementMs,
    graceMs: REPLICA_GRACE_MS,
  });
}

function open(url: string, config: Config, patience: Patience): Sequelize {
  const { acquireMs, connectMs, statementMs, graceMs } = patience;
  return new Sequelize(url, {
    dialect: 'postgres',
    // Sequelize takes only the options that it knows, and `pipeline` is not among them.
    dialectModule: { ...pg, Client: config.env.DATABASE_POOLED ? PooledClient : PipelinedClient },
    logging: false,
    pool: { max: config.env.DATABASE_POOL_MAX, min: 0, acquire: acquireMs, idle: 60_000 },
    dialectOptions: {
      application_name: 'holdfast',
      keepAlive: true,
      connectionTimeoutMillis: connectMs,
      query_timeout: statementMs + graceMs,
    },
    hooks: {
      // For what runs outside of a transaction; a transaction sets its own. Once a connection, so a read pays nothing for it,
      // and not as a parameter of the start, which poolers refuse. Behind one that hands its connections around, some reads
      // have the limit and some only ours above; whoever shares our user's connections may have it as well.
      afterConnect: async (connection) => {
        await (connection as pg.Client).query(`SET statement_timeout TO ${statementMs}`);
      },
    },
  });
}

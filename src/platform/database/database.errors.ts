/** SQLSTATE codes that the code acts on; the rest are faults. */
export const SqlState = {
  inFailedTransaction: '25P02',
  serializationFailure: '40001',
  deadlockDetected: '40P01',
  lockNotAvailable: '55P03',
  queryCanceled: '57014',
  uniqueViolation: '23505',
  foreignKeyViolation: '23503',
  checkViolation: '23514',
  undefinedTable: '42P01',
} as const;

type Fault = { code?: unknown; constraint?: unknown; original?: unknown; parent?: unknown; name?: unknown };

/** The database's own error under whatever Sequelize has wrapped around it. */
function innermost(error: unknown): Fault {
  let fault = error as Fault;
  while (fault?.original && fault.original !== fault) fault = fault.original as Fault;
  return fault ?? {};
}

/** The SQLSTATE of a database error, or undefined for anything else. */
export function sqlStateOf(error: unknown): string | undefined {
  const { code } = innermost(error);
  // Every one has a digit; the operating system's EPIPE has five letters as well.
  return typeof code === 'string' && /^(?=.*\d)[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** True when `error` is a violation of the named unique index or constraint. */
export function violates(error: unknown, constraint: string): boolean {
  return innermost(error).constraint === constraint;
}

/** True when what was written refers to a user who is gone: whoever is calling has ended since we looked at their token. */
export function namesNoUser(error: unknown): boolean {
  const constraint = String(innermost(error).constraint ?? '');
  return sqlStateOf(error) === SqlState.foreignKeyViolation && constraint.endsWith('_user_id_fkey');
}

/** True for a transaction that the database has rolled back for its own reasons and that may simply run again. */
export function isRetryable(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state === SqlState.serializationFailure || state === SqlState.deadlockDetected;
}

const CONNECTION_FAULTS = /ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|EHOSTUNREACH/;
const CONNECTION_MESSAGES =
  /Connection terminated|Client has encountered a connection error|Query read timeout|timeout expired|Client was closed|ConnectionManager\.getConnection was called after/i;

/** True when the connection failed or could not be had, so that the outcome of a running commit is unknown. */
export function isConnectionFault(error: unknown): boolean {
  const name = String((error as Fault)?.name ?? '');
  if (/^Sequelize(Connection|HostNot|InvalidConnection|AccessDenied)/.test(name)) return true;
  const fault = innermost(error);
  const state = sqlStateOf(error);
  if (state) return state.startsWith('08') || state.startsWith('57P') || state === '53300';
  if (CONNECTION_FAULTS.test(String(fault.code ?? ''))) return true;
  return CONNECTION_MESSAGES.test(String((error as Error)?.message ?? ''));
}

/** True when the database is there but too busy: a lock or a statement ran into its limit. */
export function isBusy(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state === SqlState.lockNotAvailable || state === SqlState.queryCanceled;
}

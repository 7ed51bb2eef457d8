import { ConfigInvalid } from './platform/config/config.js';
import { DataDirInUse, DataDirUnusable } from './platform/database/data-dir.js';
import { EmbeddedPostgresFailed } from './platform/database/embedded-postgres.errors.js';
import { JobsUnusable } from './platform/jobs/jobs.errors.js';

/** The service cannot start, for a reason that one sentence tells. */
export class StartFailed extends Error {
  override readonly name = 'StartFailed';

  /** The port that `variable` names cannot be listened on. */
  static listening(variable: string, port: number, { code, message }: NodeJS.ErrnoException): StartFailed {
    if (code === 'EADDRINUSE')
      return new StartFailed(`Port ${port} is taken; set ${variable} to another one.`);
    if (code === 'EACCES')
      return new StartFailed(`Port ${port} may not be used by this user; set ${variable} to another one.`);
    return new StartFailed(`Port ${port} cannot be listened on: ${message}; see HOST and ${variable}.`);
  }

  /** The address may carry a password, which is nobody's business. */
  static database(url: string, error: Error): StartFailed {
    const { host, pathname } = new URL(url);
    const reason = innermost(error).message || 'it cannot be reached';
    return new StartFailed(`The database at ${host}${pathname} cannot be used: ${reason}; see DATABASE_URL.`);
  }
}

const EXPLAINED = [
  StartFailed,
  ConfigInvalid,
  DataDirInUse,
  DataDirUnusable,
  EmbeddedPostgresFailed,
  JobsUnusable,
];

/** What a person at a terminal is told: one sentence for what we foresaw, the whole error for what we did not. */
export function sentenceOf(error: unknown): string {
  if (EXPLAINED.some((kind) => error instanceof kind)) return (error as Error).message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** The driver's own error under Sequelize's; of several, one for each address that was tried, the first. */
function innermost(error: Error): Error {
  const { original } = error as { original?: Error };
  const fault = original ?? error;
  return fault instanceof AggregateError ? (fault.errors[0] as Error) : fault;
}

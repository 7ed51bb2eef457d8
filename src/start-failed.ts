import { ConfigInvalid } from './platform/config/config.js';
import { DataDirInUse, DataDirUnusable } from './platform/database/data-dir.js';
import { EmbeddedPostgresFailed } from './platform/database/embedded-postgres.errors.js';
import { JobsUnusable } from './platform/jobs/jobs.errors.js';

/** The service cannot start, for a reason that one sentence tells. */
export class StartFailed extends Error {
  override readonly name = 'StartFailed';
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

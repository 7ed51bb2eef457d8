/** The job queue cannot be used; the message says in one sentence why, and what to do about it. */
export class JobsUnusable extends Error {
  override readonly name = 'JobsUnusable';
}

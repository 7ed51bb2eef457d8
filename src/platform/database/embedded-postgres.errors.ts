/** The embedded Postgres cannot be had; the message says in one sentence why, and what to do about it. */
export class EmbeddedPostgresFailed extends Error {
  override readonly name = 'EmbeddedPostgresFailed';
}

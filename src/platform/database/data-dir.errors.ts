/** The data folder cannot be made, read or written; the message says in one sentence why. */
export class DataDirUnusable extends Error {
  override readonly name = 'DataDirUnusable';
}

/** Another living service has the data folder. */
export class DataDirInUse extends Error {
  override readonly name = 'DataDirInUse';
}

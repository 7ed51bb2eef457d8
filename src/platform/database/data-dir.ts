import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { DataDirInUse, DataDirUnusable } from './data-dir.errors.js';
import { writeDurably } from './durable-file.js';
import { takeFolderLock } from './folder-lock.js';

export { DataDirInUse, DataDirUnusable };

const SECRET_BYTES = 32;
const LOCK_FILE = 'holdfast.lock';
const SECRETS_FILE = 'secrets.json';

/** The service's own folder, for as long as it is claimed. */
export interface DataDir {
  /** Absolute, without links. */
  readonly path: string;
  /** A random text, made at the first call for its name and the same ever after, also over restarts. */
  secret(name: string): Promise<string>;
  /** Lets the next service have the folder. Idempotent. */
  release(): Promise<void>;
}

/**
 * Makes the folder if need be, proves that it can be written, and takes it for this process alone. A claim left behind
 * by a process that is dead does not count.
 * @throws DataDirUnusable, DataDirInUse
 */
export async function claimDataDir(dataDir: string): Promise<DataDir> {
  const wanted = resolve(dataDir);
  try {
    const path = await makeFolder(wanted);
    // Writing the lock is also the proof that the folder can be written.
    return new ClaimedDir(path, await takeFolderLock(join(path, LOCK_FILE)));
  } catch (error) {
    throw asDataDirError(wanted, error);
  }
}

async function makeFolder(wanted: string): Promise<string> {
  if (await makeWithParents(wanted)) {
    // As root, the OS user who runs Postgres must pass through to his own folder; the files in ours stay closed to him.
    await chmod(wanted, process.getuid?.() === 0 ? 0o711 : 0o700);
  }
  return realpath(wanted);
}

/** False when it is there already. Not mkdir's own `recursive`: that never returns where nothing can be made (/proc). */
async function makeWithParents(folder: string): Promise<boolean> {
  try {
    await mkdir(folder);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && (await stat(folder)).isDirectory()) return false;
    const parent = dirname(folder);
    if (code !== 'ENOENT' || parent === folder || !(await makeWithParents(parent))) throw error;
    await mkdir(folder);
    return true;
  }
}

const REASONS: Record<string, string> = {
  EACCES: 'you may not write there',
  EPERM: 'you may not write there',
  EROFS: 'it is read-only',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of its path is a file',
  EEXIST: 'there is a file of that name',
  ENOENT: 'it cannot be made there',
};

function asDataDirError(dataDir: string, error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined) return error;
  return new DataDirUnusable(
    `The data folder ${dataDir} cannot be used: ${REASONS[code] ?? message}; set DATA_DIR to a folder that can be written.`,
    { cause: error },
  );
}

/** A secret that the service on this folder has made, for a tool that runs beside it; undefined when there is none. */
export async function readSecret(dataDir: string, name: string): Promise<string | undefined> {
  return (await readSecrets(resolve(dataDir))).get(name);
}

class ClaimedDir implements DataDir {
  /** One at a time: two secrets made at once would each write a file without the other. */
  private queue: Promise<unknown> = Promise.resolve();

  constructor(
    readonly path: string,
    private readonly letGo: () => Promise<void>,
  ) {}

  secret(name: string): Promise<string> {
    const secret = this.queue.then(() => this.findOrMakeSecret(name));
    this.queue = secret.catch(() => undefined);
    return secret;
  }

  async release(): Promise<void> {
    await this.queue;
    await this.letGo();
  }

  private async findOrMakeSecret(name: string): Promise<string> {
    try {
      const secrets = await readSecrets(this.path);
      const known = secrets.get(name);
      if (known !== undefined) return known;
      const made = randomBytes(SECRET_BYTES).toString('base64url');
      const text = JSON.stringify(Object.fromEntries(secrets.set(name, made)), null, 2);
      await writeDurably(join(this.path, SECRETS_FILE), `${text}\n`, 0o600);
      return made;
    } catch (error) {
      throw asDataDirError(this.path, error);
    }
  }
}

async function readSecrets(dataDir: string): Promise<Map<string, string>> {
  const file = join(dataDir, SECRETS_FILE);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{}';
    throw error;
  });
  try {
    const secrets = Object.entries(JSON.parse(text) as Record<string, unknown>);
    return new Map(secrets.map(([name, value]) => [name, String(value)]));
  } catch (error) {
    // Making new ones would lock us out of our own database.
    throw new DataDirUnusable(
      `${file} is damaged: bring it back from a backup, it holds the database's password.`,
      {
        cause: error,
      },
    );
  }
}

import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { link, open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { DataDirInUse } from './data-dir.errors.js';
import { birthMarkOf, isAlive } from './os-processes.js';

const ATTEMPTS = 5;
const BEAT_INTERVAL_MS = 1_000;
const WATCH_TIMEOUT_MS = 4_000;
const WATCH_POLL_MS = 200;
/** A lock that nobody has touched for so long needs no watching. */
const LONG_DEAD_MS = 60_000;
const WRITING_TIMEOUT_MS = 1_000;
const GONE = 0;

/** What the lock file says about the process that holds it. */
interface Holder {
  pid: number;
  /** Its start time as the system counts it: by now the id alone may be another process's. */
  started: string;
  /** The boot and the container in which the process id means anything. */
  machine: string;
}

/** A lock of our own process is known here: its id alone cannot tell it from one that an earlier us has left behind. */
const heldHere = new Set<string>();

/**
 * Takes the lock file for this process. It is free again when the process has died, however it died.
 * @returns what lets go of it (idempotent).
 * @throws DataDirInUse when a living process holds it, or the file system's error when it cannot be written.
 */
export async function takeFolderLock(path: string): Promise<() => Promise<void>> {
  const holder: Holder = { pid: process.pid, started: birthMarkOf(process.pid), machine: ourMachine() };
  const content = `${JSON.stringify(holder)}\n`;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    if (await writeNew(path, content)) return holdOn(path, content);
    const found = await readLock(path);
    if (found === null) continue;
    if (await isHeld(path, found)) throw inUse(path, found);
    await setAside(path, found);
  }
  throw inUse(path, await readLock(path));
}

function inUse(path: string, content: string | null): DataDirInUse {
  const pid = (content && parse(content)?.pid) || 'unknown';
  return new DataDirInUse(
    `The data folder ${dirname(path)} is in use by another Holdfast (process ${pid}): stop that one, or set DATA_DIR to another folder.`,
  );
}

/** False when there is a lock file already. */
async function writeNew(path: string, content: string): Promise<boolean> {
  const file = await open(path, 'wx', 0o644).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') return null;
    throw error;
  });
  if (file === null) return false;
  // Before anybody can read there that it is ours: another call of this process would take it for one of an earlier us.
  heldHere.add(path);
  try {
    await file.writeFile(content);
  } catch (error) {
    heldHere.delete(path);
    throw error;
  } finally {
    await file.close();
  }
  return true;
}

function holdOn(path: string, content: string): () => Promise<void> {
  // Shows those who cannot see our process (see `isHeld`) that we live.
  const beat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => undefined);
  }, BEAT_INTERVAL_MS);
  beat.unref();
  return async () => {
    clearInterval(beat);
    if (!heldHere.delete(path)) return;
    if ((await readLock(path)) === content) await rm(path, { force: true });
  };
}

/** The lock's content, or null when it has just been let go. One that is still being written is waited for. */
async function readLock(path: string): Promise<string | null> {
  const deadline = Date.now() + WRITING_TIMEOUT_MS;
  for (;;) {
    const content = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    if (content === null || parse(content) !== null || Date.now() > deadline) return content;
    await pause(WATCH_POLL_MS);
  }
}

async function isHeld(path: string, content: string): Promise<boolean> {
  const holder = parse(content);
  if (holder === null) return false;
  if (holder.machine !== ourMachine()) return isBeating(path);
  // After a restart of a container the same ids come again: one like ours was ours.
  if (holder.pid === process.pid) return heldHere.has(path);
  return isAlive(holder.pid) && birthMarkOf(holder.pid) === holder.started;
}

/**
 * The holder's id means nothing here: it ran in another container, or before the machine was started again. Two living
 * containers on one folder would ruin the database, so look whether somebody still touches the lock.
 */
async function isBeating(path: string): Promise<boolean> {
  const touchedAt = await touched(path);
  if (Math.abs(Date.now() - touchedAt) > LONG_DEAD_MS) return false;
  const deadline = Date.now() + WATCH_TIMEOUT_MS;
  while (Date.now() < deadline) {
    await pause(WATCH_POLL_MS);
    const now = await touched(path);
    if (now !== touchedAt) return now !== GONE;
  }
  return false;
}

async function touched(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => GONE,
  );
}

/** Removes the dead lock that we have seen, and no other: somebody may have been faster, and theirs is alive. */
async function setAside(path: string, content: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if ((await readFile(aside, 'utf8')) !== content) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}

function parse(content: string): Holder | null {
  try {
    const { pid, started, machine } = JSON.parse(content) as Partial<Holder>;
    if (!Number.isInteger(pid)) return null;
    return { pid: pid as number, started: started ?? '', machine: machine ?? '' };
  } catch {
    return null;
  }
}

function ourMachine(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot}/${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}

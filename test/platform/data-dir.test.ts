import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  claimDataDir,
  type DataDir,
  DataDirInUse,
  DataDirUnusable,
} from '../../src/platform/database/data-dir.js';
import { built } from '../support/build.js';

let root: string;
let folder: string;
const claims: DataDir[] = [];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'holdfast-data-'));
  folder = join(root, 'deep', 'data');
});

afterEach(async () => {
  for (const claim of claims.splice(0)) await claim.release();
  await rm(root, { recursive: true });
});

async function claim(path = folder): Promise<DataDir> {
  const claimed = await claimDataDir(path);
  claims.push(claimed);
  return claimed;
}

async function givenLock(holder: object | string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'holdfast.lock');
  await writeFile(path, typeof holder === 'string' ? holder : JSON.stringify(holder));
  return path;
}

/** What a lock of this process says. */
async function ourHolder(): Promise<{ pid: number; started: string; machine: string }> {
  const other = join(root, 'other');
  const claimed = await claimDataDir(other);
  const holder = JSON.parse(await readFile(join(other, 'holdfast.lock'), 'utf8'));
  await claimed.release();
  return holder;
}

async function givenClaimByAnotherProcess() {
  const url = pathToFileURL(built('platform/database/data-dir.js'));
  const script = `import { claimDataDir } from ${JSON.stringify(url)};
    await claimDataDir(process.argv[1]);
    console.log('claimed');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return child;
}

describe('the claim on the data folder', () => {
  it('makes the folder and keeps other users out of it', async () => {
    const { path } = await claim();
    const { mode } = await stat(path);
    expect(mode & 0o077).toBe(process.getuid?.() === 0 ? 0o011 : 0);
  });

  it('is refused while a living process has it, and given when that one was killed', async () => {
    const other = await givenClaimByAnotherProcess();
    await expect(claim()).rejects.toThrow(DataDirInUse);
    await expect(claim()).rejects.toThrow(`in use by another Holdfast (process ${other.pid})`);
    other.kill('SIGKILL');
    await once(other, 'exit');
    await claim();
  });

  it('is refused twice in one process, and free after its release', async () => {
    const first = await claim();
    await expect(claim()).rejects.toThrow(DataDirInUse);
    await first.release();
    await first.release();
    await claim();
  });

  it('goes to one of many that find the same dead lock', async () => {
    await givenLock({ ...(await ourHolder()), pid: 2 ** 22 + 1 });
    const attempts = await Promise.allSettled(Array.from({ length: 8 }, () => claim()));
    expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it.each([
    ['our own process id, left behind in an earlier life of the container', {}],
    ['a process id that another process has got since', { pid: process.ppid, started: '1' }],
  ])('takes over a lock with %s', async (_, difference) => {
    await givenLock({ ...(await ourHolder()), ...difference });
    await claim();
  });

  it('takes over a lock that was never written to the end', async () => {
    await givenLock('{"pid":');
    await claim();
  });

  it('is refused while a process that we cannot see, in another container, touches the lock', async () => {
    const path = await givenLock({ ...(await ourHolder()), machine: 'elsewhere' });
    const beat = setInterval(() => utimes(path, new Date(), new Date()), 50);
    await expect(claim()).rejects.toThrow(DataDirInUse);
    clearInterval(beat);
  });

  it('takes over a lock of another container, or of the time before a reboot, that nobody touches', async () => {
    const path = await givenLock({ ...(await ourHolder()), machine: 'elsewhere' });
    await claim();
    expect(JSON.parse(await readFile(path, 'utf8')).machine).not.toBe('elsewhere');
  });

  it('says in one sentence that a folder cannot be made', async () => {
    const file = join(root, 'file');
    await writeFile(file, '');
    await expect(claim(file)).rejects.toThrow(DataDirUnusable);
    await expect(claim(join(file, 'data'))).rejects.toThrow(
      `The data folder ${join(file, 'data')} cannot be used: a part of its path is a file; set DATA_DIR to a folder that can be written.`,
    );
  });
});

describe('a secret', () => {
  it('stays the same over restarts, differs by name, and is for the owner only', async () => {
    const first = await claim();
    const [a, b, again] = await Promise.all([first.secret('a'), first.secret('b'), first.secret('a')]);
    expect(Buffer.from(a, 'base64url')).toHaveLength(32);
    expect(a).not.toBe(b);
    expect(again).toBe(a);
    await first.release();

    const second = await claim();
    expect(await second.secret('a')).toBe(a);
    expect(await second.secret('b')).toBe(b);
    expect((await stat(join(folder, 'secrets.json'))).mode & 0o777).toBe(0o600);
  });

  it('is not silently made anew when the file is damaged', async () => {
    const claimed = await claim();
    await writeFile(join(folder, 'secrets.json'), '{"a":');
    await expect(claimed.secret('a')).rejects.toThrow(DataDirUnusable);
  });
});

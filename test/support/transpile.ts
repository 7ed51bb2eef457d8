import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { transform } from '@swc/core';

const root = resolve(import.meta.dirname, '../..');
const cache = join(root, 'node_modules/.cache/holdfast-test-build');
/** What running code finds by its place beside the build, as it does beside dist/. */
const besideBuild = ['package.json', 'migrations', 'seeders', 'admin'];

/**
 * Builds all of src/ for tests that start it as a process of its own, much faster than `tsc` and without its checks.
 * The same sources are built once, whatever number of test files ask at the same time.
 * @returns the folder that stands where dist/ would: `<folder>/main.js` is src/main.ts.
 */
export async function transpileSources(): Promise<string> {
  const sources = await readSources();
  const place = join(cache, fingerprint(sources));
  const build = join(place, 'build');
  if (await exists(build)) return build;
  await mkdir(cache, { recursive: true });
  const draft = await mkdtemp(join(cache, 'draft-'));
  for (const [path, text] of sources) await emit(path, text, join(draft, 'build'));
  for (const name of besideBuild) await symlink(join(root, name), join(draft, name));
  // One rename makes the build appear whole. When another worker was first, its build is this very one.
  await rename(draft, place).catch(async (error: unknown) => {
    await rm(draft, { recursive: true });
    if (!(await exists(build))) throw error;
  });
  return build;
}

async function readSources(): Promise<Map<string, string>> {
  const names = await readdir(join(root, 'src'), { recursive: true });
  const paths = names.filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts')).sort();
  const files = [join(root, '.swcrc'), ...paths.map((name) => join(root, 'src', name))];
  return new Map(await Promise.all(files.map(async (path) => [path, await readFile(path, 'utf8')] as const)));
}

function fingerprint(sources: Map<string, string>): string {
  const hash = createHash('sha256');
  for (const [path, text] of sources) hash.update(`${relative(root, path)}\0${text}\0`);
  return hash.digest('hex').slice(0, 16);
}

async function emit(path: string, text: string, build: string): Promise<void> {
  if (!path.endsWith('.ts')) return;
  const { code } = await transform(text, { filename: path, cwd: root, configFile: join(root, '.swcrc') });
  const target = join(build, relative(join(root, 'src'), path).replace(/\.ts$/, '.js'));
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, code);
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

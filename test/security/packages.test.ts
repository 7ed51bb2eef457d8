import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('../../scripts/check-packages.js', import.meta.url));
const CHECKSUM = `sha512-${'A'.repeat(86)}==`;

let folder: string;
let registry: Server;
let holes = 0;
let answer: (response: ServerResponse, asked: string) => void;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-packages-'));
  await cp(SCRIPT, join(folder, 'check-packages.js'));
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'shop', version: '1.0.0', type: 'module', dependencies: { lamp: '1.2.3' } }),
  );
  registry = createServer((request, response) => {
    request.resume();
    request.on('end', () => answer(response, request.url ?? ''));
  }).listen(0, '127.0.0.1');
  await once(registry, 'listening');
});

afterAll(async () => {
  registry.close();
  await rm(folder, { recursive: true });
});

const says = (status: number, body: unknown) => (response: ServerResponse) => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};

/** A registry that knows of one hole in the lamp. */
const knowsHole = (severity: string) => (response: ServerResponse, asked: string) => {
  const hole = {
    // npm remembers what it was told of one.
    id: ++holes,
    url: 'https://advisories.example/1',
    title: 'it burns',
    severity,
    vulnerable_versions: '<2',
  };
  if (asked.endsWith('/advisories/bulk')) says(200, { lamp: [hole] })(response);
  else says(404, { error: 'not found' })(response);
};

/** What the script says of a shop whose lamp is locked so, and how it ends. */
async function check(lamp: object = {}, registryPort = (registry.address() as AddressInfo).port) {
  const lock = {
    name: 'shop',
    version: '1.0.0',
    lockfileVersion: 3,
    packages: {
      '': { name: 'shop', version: '1.0.0', dependencies: { lamp: '1.2.3' } },
      'node_modules/lamp': { version: '1.2.3', integrity: CHECKSUM, ...lamp },
    },
  };
  await writeFile(join(folder, 'package-lock.json'), JSON.stringify(lock));
  const settings = {
    npm_config_registry: `http://127.0.0.1:${registryPort}/`,
    npm_config_cache: join(folder, '.npm'),
  };
  const child = spawn(process.execPath, ['check-packages.js'], {
    cwd: folder,
    env: { ...process.env, ...settings },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      said += chunk;
    });
  const [code] = await once(child, 'close');
  return { code, said };
}

describe('the audit of packages', () => {
  it('passes when the registry knows of no hole', async () => {
    answer = says(200, {});
    const { code, said } = await check();
    expect({ code, said }).toEqual({ code: 0, said: expect.stringContaining('no known hole') });
    expect(said).not.toContain('NOT AUDITED');
  });

  it.each(['high', 'critical'])('fails at a %s hole, and names it', async (severity) => {
    answer = knowsHole(severity);
    const { code, said } = await check();
    expect({ code, said }).toEqual({
      code: 1,
      said: expect.stringContaining(`lamp (${severity}): it burns`),
    });
  });

  it('passes at a moderate one', async () => {
    answer = knowsHole('moderate');
    expect(await check()).toMatchObject({ code: 0 });
  });

  it.each([405, 404, 500])(
    'says aloud that it could not look when the registry answers %i, and passes',
    async (status) => {
      answer = says(status, { error: 'no audit here' });
      const { code, said } = await check();
      expect({ code, said }).toEqual({ code: 0, said: expect.stringContaining('!!! NOT AUDITED') });
      expect(said).toContain(String(status));
    },
  );

  it('says so when there is no registry at all', async () => {
    const { code, said } = await check({}, 1);
    expect({ code, said }).toEqual({ code: 0, said: expect.stringContaining('!!! NOT AUDITED') });
  });

  it.each([
    ['no checksum', { integrity: undefined }],
    ['a weak checksum', { integrity: 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=' }],
    ['a host of its own', { resolved: 'https://evil.example/lamp-1.2.3.tgz' }],
    ['a link', { link: true }],
  ])('fails at a package with %s, whatever the registry says', async (_, lamp) => {
    answer = says(200, {});
    const { code, said } = await check(lamp);
    expect({ code, said }).toEqual({ code: 1, said: expect.stringContaining('node_modules/lamp') });
  });
});

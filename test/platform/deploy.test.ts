import { readFile } from 'node:fs/promises';
import { parseEnv } from 'node:util';
import { CORE_SCHEMA, load, mergeTag } from 'js-yaml';
import { environment, loadConfig } from '../../src/platform/config/config.js';

// No container engine runs here: what can be held without one is that the files speak of what there is.
const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');
const known = Object.keys(environment.shape);

interface Compose {
  services: Record<
    string,
    {
      image: string;
      environment?: Record<string, string>;
      command?: string | string[];
      volumes?: string[];
      networks?: string[];
      depends_on?: Record<string, { condition: string }> | string[];
      scale?: number;
      [other: string]: unknown;
    }
  >;
  networks: Record<string, { internal?: boolean }>;
  volumes: Record<string, null>;
}

const compose = async () =>
  load(await read('compose.yaml'), { schema: CORE_SCHEMA.withTags(mergeTag) }) as Compose;

/** What Compose makes of `${NAME}`, `${NAME:-default}`, `${NAME-default}` and `${NAME:?error}`. */
function interpolated(text: string, variables: NodeJS.Dict<string>): string {
  return String(text).replace(/\$\{(\w+)(?:(:?[-?])([^}]*))?\}/g, (_, name, kind = '', other = '') => {
    const value = variables[name];
    const isMissing = value === undefined || (kind.startsWith(':') && value === '');
    if (isMissing && kind.endsWith('?')) throw new Error(`${name} ${other}`);
    return isMissing ? other : (value as string);
  });
}

const filledIn = {
  POSTGRES_PASSWORD: 'b5f1c0ffee',
  JWT_SECRET: 'zL4kq9Wm2Vx7Rb1Tn5Yc8Hd3Jf6Gs0Pa',
  GRAFANA_PASSWORD: 'looking-at-figures',
  ADMIN_EMAIL: 'owner@shop.example',
  ADMIN_PASSWORD: 'the-owner-sits-on-a-hill-9',
};

describe('compose.yaml', () => {
  it('sets only variables that the service reads, and the service starts with them', async () => {
    const { holdfast, migrate } = (await compose()).services;
    const variables = { ...parseEnv(await read('deploy/compose.env.example')), ...filledIn };
    const set = holdfast?.environment ?? {};
    expect(Object.keys(set).filter((name) => !known.includes(name))).toEqual([]);
    expect(migrate?.environment).toEqual(set);
    const source = Object.fromEntries(
      Object.entries(set).map(([name, text]) => [name, interpolated(text, variables)]),
    );
    const config = loadConfig(source);
    expect([config.production, config.embedded, config.logFormat]).toEqual([true, false, 'json']);
    expect(config.env).toMatchObject({
      DATABASE_URL: 'postgres://holdfast:b5f1c0ffee@postgres:5432/holdfast',
      TRUST_PROXY: '1',
      MIGRATE_ON_START: false,
      YOOKASSA_API_URL: 'http://sandbox:4010/v3',
    });
    // Nothing is needed of DATA_DIR then, so the container may be read-only.
    expect(config.env.JWT_SECRET).toBeDefined();
  });

  it('refuses to start without its secrets', async () => {
    const text = await read('compose.yaml');
    const example = parseEnv(await read('deploy/compose.env.example'));
    expect(() => interpolated(text, example)).toThrow(/is missing in deploy\/compose\.env/);
    expect(() => interpolated(text, { ...example, ...filledIn })).not.toThrow();
  });

  it('asks for nothing that its example does not name', async () => {
    const asked = [...(await read('compose.yaml')).matchAll(/\$\{(\w+)/g)].map(([, name]) => name as string);
    const named = Object.keys(parseEnv(await read('deploy/compose.env.example')));
    expect([...new Set(asked)].sort()).toEqual(named.sort());
  });

  it('gives the sandbox what it reads', async () => {
    const source = await read('src/payment/sandbox/main.ts');
    const { sandbox } = (await compose()).services;
    for (const name of Object.keys(sandbox?.environment ?? {})) expect(source).toContain(name);
    for (const [, name] of source.matchAll(/required\('(\w+)'\)/g))
      expect(sandbox?.environment).toHaveProperty(name as string);
  });

  it('runs two instances behind the name that the proxy and Prometheus ask for, and migrates once before them', async () => {
    const { services } = await compose();
    expect(services.holdfast?.scale).toBe(2);
    expect(services.holdfast?.depends_on).toMatchObject({
      migrate: { condition: 'service_completed_successfully' },
      postgres: { condition: 'service_healthy' },
    });
    expect(await read('deploy/nginx/nginx.conf')).toMatch(
      /set \$instances holdfast;\s+proxy_pass http:\/\/\$instances:3000;/,
    );
    expect(await read('Dockerfile')).toContain('PORT=3000');
  });

  it('names no network, volume or service that is not there', async () => {
    const { services, networks, volumes } = await compose();
    for (const { networks: joined = [], volumes: mounted = [], depends_on = {} } of Object.values(services)) {
      for (const name of joined) expect(Object.keys(networks)).toContain(name);
      const named = mounted
        .map((mount) => mount.split(':')[0] as string)
        .filter((name) => !name.startsWith('.'));
      for (const name of named) expect(Object.keys(volumes)).toContain(name);
      const needed = Array.isArray(depends_on) ? depends_on : Object.keys(depends_on);
      for (const name of needed) expect(Object.keys(services)).toContain(name);
    }
  });

  it('lets the databases and the monitors be reached from nowhere else', async () => {
    const { services, networks } = await compose();
    expect(networks.inside?.internal).toBe(true);
    for (const name of ['postgres', 'redis', 'prometheus', 'sandbox'])
      expect([name, services[name]?.networks, services[name]?.ports]).toEqual([name, ['inside'], undefined]);
  });
});

describe('the image and the unit', () => {
  it('run what `npm start` runs', async () => {
    const { scripts } = JSON.parse(await read('package.json'));
    const command = /exec (node .*main\.js)/.exec(scripts.start)?.[1] as string;
    const [, inImage = '[]'] = /^CMD (\[.*\])$/m.exec(await read('Dockerfile')) ?? [];
    expect(JSON.parse(inImage).join(' ')).toBe(command);
    expect(await read('deploy/systemd/holdfast.service')).toContain(`ExecStart=/usr/bin/${command}\n`);
  });

  it('run on the major of Node that the repository has pinned', async () => {
    const { devDependencies } = JSON.parse(await read('package.json'));
    const [major] = /\d+/.exec(devDependencies.node) ?? [];
    const images = [...(await read('Dockerfile')).matchAll(/^FROM (\S+)/gm)].map(([, image]) => image);
    expect(images).toEqual([`node:${major}-slim`, `node:${major}-slim`]);
  });

  it('set only variables that the service reads', async () => {
    const inImage = /^ENV ((?:.*\\\n)*.*)$/m.exec(await read('Dockerfile'))?.[1] ?? '';
    const inUnit = [...(await read('deploy/systemd/holdfast.service')).matchAll(/^Environment=(\w+)=/gm)];
    const names = [...[...inImage.matchAll(/(\w+)=/g)], ...inUnit].map(([, name]) => name as string);
    expect(names.length).toBeGreaterThan(4);
    expect(names.filter((name) => !known.includes(name))).toEqual([]);
  });

  it('start with the example of the environment once it is filled in', async () => {
    const example = parseEnv(await read('deploy/systemd/holdfast.env.example'));
    expect(Object.keys(example).filter((name) => !known.includes(name))).toEqual([]);
    const { JWT_SECRET, ADMIN_EMAIL, ADMIN_PASSWORD } = filledIn;
    const stripe = { STRIPE_SECRET_KEY: 'sk_live_1', STRIPE_WEBHOOK_SECRET: 'whsec_1' };
    const given = { ...example, ...stripe, JWT_SECRET, ADMIN_EMAIL, ADMIN_PASSWORD, NODE_ENV: 'production' };
    expect(loadConfig(given).production).toBe(true);
    expect(() => loadConfig({ ...example, NODE_ENV: 'production' })).toThrow(/JWT_SECRET is missing/);
  });
});

describe('an image', () => {
  it('is built from nothing but what it needs, and never from what is secret', async () => {
    const kept = (await read('.dockerignore'))
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    expect(kept[0]).toBe('*');
    const wanted = [
      'package.json',
      'package-lock.json',
      '.npmrc',
      'tsconfig.json',
      'src',
      'admin',
      'migrations',
      'seeders',
    ];
    expect(kept.filter((line) => line.startsWith('!')).map((line) => line.slice(1))).toEqual(wanted);
    expect(kept.slice(-2)).toEqual(['**/node_modules', '**/.env']);
  });

  it('belongs to root and runs as somebody else', async () => {
    const [, ...stages] = (await read('Dockerfile')).split(/^FROM /m);
    expect(stages.at(-1)).toMatch(/^USER node$/m);
    expect(stages.at(-1)).not.toMatch(/--chown/);
  });
});

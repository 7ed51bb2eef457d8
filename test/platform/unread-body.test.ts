import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { type GivenUser, givenAdmin } from '../support/given.js';
import { call, expectProblem } from '../support/given-shop.js';

let database: TestDatabase;
let app: TestApp;
let admin: GivenUser;
/** The routes that read no body, as the documentation has them: `[method, path]`. */
let routes: [string, string][];

beforeAll(async () => {
  database = await cloneDatabase();
  app = await bootApp(database);
  admin = await givenAdmin(app, database);
  const { paths } = await (await fetch(`${app.url}/openapi.json`)).json();
  const known = Object.entries<Record<string, { requestBody?: object; parameters?: any[] }>>(paths);
  routes = known.flatMap(([path, item]) =>
    ['post', 'put', 'patch', 'delete']
      .filter((method) => item[method] && !item[method].requestBody)
      .map((method): [string, string] => [
        method.toUpperCase(),
        pathOf(path, item[method]?.parameters ?? []),
      ]),
  );
});
afterAll(async () => {
  await app?.close();
  await database?.drop();
});

const ID = '01939b1e-7c1a-7000-8000-3f3f1a2b4c5d';

/** The path as `call` takes it, with something of the right kind for each of its parameters. */
const pathOf = (path: string, parameters: { name: string; in: string; schema: { format?: string } }[]) =>
  parameters
    .filter((parameter) => parameter.in === 'path')
    .reduce((whole, { name, schema }) => whole.replace(`{${name}}`, schema.format ? ID : '1'), path)
    .replace('/api/v1', '');

describe('a route that reads no body', () => {
  it('refuses every member, by name', async () => {
    expect(routes).toContainEqual([
      'POST',
      expect.stringMatching(/^\/inventory\/reservations\/.*\/confirm$/),
    ]);
    for (const [method, path] of routes) {
      const answer = await call(app, admin, method, path, { body: { status: 'paid', force: true } });
      expect([method, path, answer.status]).toEqual([method, path, 400]);
      expectProblem(answer, 400, 'validation_failed');
      expect(answer.body.errors).toEqual([
        { field: 'status', message: 'status is not a known member' },
        { field: 'force', message: 'force is not a known member' },
      ]);
    }
  });

  it.each(['[]', '[1]', '7', '"text"', 'true'])('refuses %s, which is no object', async (body) => {
    const [method, path] = routes[0]!;
    const headers = { 'content-type': 'application/json' };
    expectProblem(
      await call(app, admin, method, path, { body, headers }),
      400,
      'validation_failed',
      'the body must be a JSON object',
    );
  });

  it('takes an empty body, or none', async () => {
    for (const [method, path] of routes) {
      for (const body of [undefined, '', 'null', '{}']) {
        const answer = await call(app, admin, method, path, { body });
        expect([method, path, answer.body?.code]).not.toEqual([method, path, 'validation_failed']);
      }
    }
  });

  it('is not told from others by those who may not call it', async () => {
    const path = routes.find(([, path]) => path.endsWith('/confirm'))![1];
    expectProblem(await call(app, null, 'POST', path, { body: { force: true } }), 401, 'unauthenticated');
  });
});

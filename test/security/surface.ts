import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { BY_HAND } from '../inventory/holds.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { type GivenUser, givenAdmin, givenCustomer, givenGuest } from '../support/given.js';
import { type GivenSandbox, givenSandbox, Shopper } from '../support/given-shop.js';
import { givenThings, type Things } from './things.js';

export type Schema = Record<string, any>;

/** One route, as the document that the service serves tells of it. */
export interface Operation {
  /** `get /api/v1/orders/{id}` */
  where: string;
  method: string;
  path: string;
  /** `admin/orders` of `/api/v1/admin/orders/{id}/ship`: what the id in the path is of. Null without one. */
  collection: string | null;
  /** Whom it asks for: nobody, a user, an admin, or an admin or an API key. */
  asks: 'nobody' | 'user' | 'admin' | 'scope';
  query: { name: string; schema: Schema }[];
  body: { type: string; example: any; schema: Schema } | null;
}

export interface Said {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** What it says as JSON; undefined for anything else. */
  body: any;
}

export interface Call {
  headers?: Record<string, string>;
  body?: string | Buffer;
}

/** Tables that are written without anybody calling: heartbeats, and what consumers make of events that were there before. */
const BY_THEMSELVES = ['instances', 'events_undispatched', 'event_processing_log', 'stock_watch'];
const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
// Nobody listens there, and that is quickly found out.
const NOWHERE = 'http://127.0.0.1:9';

/** The whole service with its document, all kinds of callers, and one real thing of each kind. */
export class Surface {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 16 });

  private constructor(
    private readonly sandbox: GivenSandbox,
    readonly database: TestDatabase,
    readonly app: TestApp,
    readonly operations: Operation[],
    /** The schemas that the document gives names to. */
    readonly schemas: Record<string, Schema>,
    /** `GET /api/v1/orders/{id}` of every route that the server has, documented or not. */
    readonly routes: string[],
    readonly ada: Shopper,
    readonly admin: Shopper,
    readonly things: Things,
  ) {}

  static async open(settings: Record<string, string> = {}): Promise<Surface> {
    const sandbox = await givenSandbox();
    const database = await cloneDatabase();
    const app = await bootApp(database, { ...sandbox.settings, ...BY_HAND, ...settings });
    const document = await (await fetch(`${app.url}/openapi.json`)).json();
    // The first user is nobody whom the tests need: they also reach for the id 1.
    await givenCustomer(app);
    const ada = new Shopper(app, await givenCustomer(app));
    const admin = new Shopper(app, await givenAdmin(app, database));
    const things = await givenThings(app, database, ada, admin);
    const routes = routesIn(app.app.getHttpAdapter().getInstance().printRoutes({ commonPrefix: false }));
    const { schemas } = document.components;
    return new Surface(sandbox, database, app, operationsOf(document), schemas, routes, ada, admin, things);
  }

  async close(): Promise<void> {
    this.agent.destroy();
    await this.app.close();
    await this.database.drop();
    await this.sandbox.close();
  }

  customer = (): Promise<GivenUser> => givenCustomer(this.app);
  guest = (): Promise<GivenUser> => givenGuest(this.app);

  of(asks: Operation['asks']): Operation[] {
    return this.operations.filter((operation) => operation.asks === asks);
  }

  /** The path of a route with the id of a real thing, or this one. */
  pathOf({ path, collection }: Operation, id?: string | number): string {
    if (collection === null) return path;
    const real = id ?? this.things[collection];
    if (real === undefined)
      throw new Error(`No real thing of ${collection}: add one in test/security/things.ts.`);
    return path.replace(/\{\w+\}/, String(real));
  }

  /** The call that the document gives as its example. */
  exampleOf({ body }: Operation): Call {
    if (body === null) return {};
    const text = typeof body.example === 'string' ? body.example : JSON.stringify(body.example);
    return { headers: { 'content-type': body.type }, body: text };
  }

  /** One request, with the path as it stands. */
  send(method: string, path: string, { headers = {}, body }: Call = {}): Promise<Said> {
    const { hostname, port } = new URL(this.app.url);
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const options = { hostname, port, path, agent: this.agent, method: method.toUpperCase() };
    return new Promise((resolve, reject) => {
      const outgoing = request({ ...options, headers: { ...length, ...headers } }, (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          resolve({
            status: incoming.statusCode as number,
            headers: incoming.headers,
            text,
            body: parsed(text),
          });
        });
      });
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }

  /** A checksum of each table that callers can change. */
  async contents(): Promise<Record<string, string>> {
    const tables = await this.database.sql<{ name: string }>(
      `SELECT quote_ident(table_name) AS name FROM information_schema.tables
       WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name <> ALL ($1)`,
      [BY_THEMSELVES],
    );
    const sums = tables.map(
      ({ name }) =>
        `SELECT '${name}' AS name, md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) AS sum FROM ${name} t`,
    );
    const rows = await this.database.sql<{ name: string; sum: string }>(sums.join(' UNION ALL '));
    return Object.fromEntries(rows.map(({ name, sum }) => [name, sum]));
  }
}

function operationsOf(document: any): Operation[] {
  return Object.entries<any>(document.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method): Operation => {
      const { security = [], parameters = [], requestBody, responses } = item[method];
      const takesKeys = security.some((scheme: object) => 'api_key' in scheme);
      const [type, media] = Object.entries<any>(requestBody?.content ?? {})[0] ?? [];
      const forbids = responses['403']?.content['application/problem+json'].example.detail ?? '';
      const user = forbids === 'this needs the role admin' ? 'admin' : 'user';
      return {
        where: `${method} ${path}`,
        method,
        path,
        collection: /^\/api\/v1\/(.*?)\/\{/.exec(path)?.[1] ?? null,
        asks: security.length === 0 ? 'nobody' : takesKeys ? 'scope' : user,
        query: parameters.filter((parameter: Schema) => parameter.in === 'query'),
        body: type === undefined ? null : { type, example: reachable(media.example), schema: media.schema },
      };
    }),
  );
}

const reachable = (example: unknown) =>
  JSON.parse(JSON.stringify(example).replaceAll('https://erp.example', NOWHERE));

/** What Fastify prints as a tree, as whole paths in the document's spelling. HEAD goes with each GET. */
function routesIn(tree: string): string[] {
  const parts: string[] = [];
  return tree.split('\n').flatMap((line) => {
    const [, indent = '', part = '', methods = ''] =
      /^([│ ]*)[├└]── (.*?)(?: \(([A-Z, ]+)\))?$/.exec(line) ?? [];
    if (part === '') return [];
    parts.length = indent.length / 4;
    parts.push(part);
    const path = parts.join('').replace(/:(\w+)/g, '{$1}');
    const all = methods.split(', ').filter((method) => method !== '' && method !== 'HEAD');
    return all.map((method) => `${method.toLowerCase()} ${path}`);
  });
}

function parsed(text: string): any {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

import { expectAuditClean } from '../support/promises.js';
import { type Operation, type Said, type Schema, Surface } from './surface.js';

/** What no DTO of ours names, what somebody would like to set, and what every object has. */
const EXTRA = [
  'hacker',
  'role',
  'user_id',
  'is_admin',
  'total_price',
  'created_at',
  'toString',
  'hasOwnProperty',
  'constructor',
];

/** Routes whose body may carry members that we do not know, and why. */
const OPEN: Record<string, string> = {
  'post /api/v1/payments/webhooks/yookassa': 'the provider may add members',
  'post /api/v1/payments/webhooks/stripe': 'the provider may add members',
};
/** Bodies that are no JSON. Their columns are tested in test/product/product.import.test.ts. */
const FILES = ['post /api/v1/products/import'];
/** Lists that are answered row by row: what is wrong in one stands in its result. */
const BY_ROW = ['post /api/v1/products/bulk'];

let surface: Surface;

beforeAll(async () => {
  surface = await Surface.open();
});

afterAll(async () => {
  await expectAuditClean(surface.app);
  await surface.close();
});

const closed = () =>
  surface.operations.filter(
    ({ method, where }) => method !== 'get' && !(where in OPEN) && !FILES.includes(where),
  );

function send(operation: Operation, body: unknown): Promise<Said> {
  return surface.send(operation.method, surface.pathOf(operation), {
    headers: { ...surface.admin.user.headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

/** The paths of the objects inside of an example, e.g. `items.0`. */
function objectsIn(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.entries(value).flatMap(([name, part]) => objectsIn(part, [...path, name]));
  return path.length > 0 && !Array.isArray(value) ? [path, ...inner] : inner;
}

/** The paths of the lists inside of an example, e.g. `items`. */
function listsIn(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.entries(value).flatMap(([name, part]) => listsIn(part, [...path, name]));
  return Array.isArray(value) ? [path, ...inner] : inner;
}

/** The paths of the lists in a body, as the document describes it. */
function describedLists(schema: Schema | undefined, path: string[] = []): string[][] {
  if (schema === undefined) return [];
  if (schema.$ref) return describedLists(surface.schemas[schema.$ref.split('/').at(-1)], path);
  const parts: Schema[] = [...(schema.allOf ?? []), ...(schema.oneOf ?? []), ...(schema.anyOf ?? [])];
  return [
    ...(schema.type === 'array' ? [path, ...describedLists(schema.items, [...path, '0'])] : []),
    ...parts.flatMap((part) => describedLists(part, path)),
    ...Object.entries<Schema>(schema.properties ?? {}).flatMap(([name, member]) =>
      describedLists(member, [...path, name]),
    ),
  ];
}

/** What is no entry of a list that holds such as this. */
function strangersTo(entry: unknown): unknown[] {
  const strange = typeof entry === 'string' ? {} : 'a text';
  return [[], [entry], [[entry]], [null], null, strange, 1, -0.5, true];
}

/** A copy with another value at the end of the path. */
function withValue(example: any, path: string[], value: unknown): any {
  const copy = structuredClone(example);
  const place = path.slice(0, -1).reduce((part, step) => part[step], copy);
  place[path.at(-1) as string] = value;
  return copy;
}

/** A copy with one more member at the end of the path. */
function withMember(example: any, path: string[], name: string): any {
  const copy = structuredClone(example);
  const place = path.reduce((part, step) => part[step], copy);
  Object.defineProperty(place, name, { value: 1, enumerable: true });
  return copy;
}

const fieldsOf = ({ body }: Said): string[] =>
  (body?.errors ?? []).map(({ field }: { field: string }) => field);

describe('a body with a member that is not known', () => {
  it('is refused by every route that takes a body or none, and nothing is done', async () => {
    expect(closed().length).toBeGreaterThan(40);
    const before = await surface.contents();
    for (const operation of closed()) {
      const example = operation.body?.example ?? {};
      const unknown = EXTRA.filter(
        (name) => !Object.keys(example).includes(name) && !settable(operation, name),
      );
      for (const name of unknown) {
        const said = await send(operation, withMember(example, [], name));
        expect([operation.where, name, said.status, said.body?.code]).toEqual([
          operation.where,
          name,
          400,
          'validation_failed',
        ]);
        expect([operation.where, fieldsOf(said)]).toEqual([operation.where, [name]]);
      }
    }
    expect(await surface.contents()).toEqual(before);
  });

  it('is refused deep inside, too, and its place is named', async () => {
    const before = await surface.contents();
    const places = closed().flatMap((operation) =>
      BY_ROW.includes(operation.where)
        ? []
        : objectsIn(operation.body?.example).map((path): [Operation, string[]] => [operation, path]),
    );
    expect(places.length).toBeGreaterThan(8);
    for (const [operation, path] of places) {
      const said = await send(operation, withMember(operation.body?.example, path, 'hacker'));
      const field = [...path, 'hacker'].join('.');
      expect([operation.where, said.status, fieldsOf(said)]).toEqual([operation.where, 400, [field]]);
    }
    expect(await surface.contents()).toEqual(before);
  });

  it('is refused in the result of its row where rows are answered one by one', async () => {
    const before = await surface.contents();
    for (const operation of closed().filter(({ where }) => BY_ROW.includes(where))) {
      const operations: object[] = operation.body?.example.operations;
      const said = await send(operation, {
        operations: operations.map((row) => ({ ...row, hacker: 1 })),
      });
      expect(said.body.results).toHaveLength(operations.length);
      for (const result of said.body.results) {
        expect(result).toMatchObject({
          status: 400,
          code: 'validation_failed',
          error: expect.stringContaining('hacker'),
        });
      }
    }
    expect(await surface.contents()).toEqual(before);
  });
});

describe('a list with an entry that is none of its kind', () => {
  const lists = () =>
    closed().flatMap((operation) =>
      listsIn(operation.body?.example).map((path): [Operation, string[]] => [operation, path]),
    );
  const entriesOf = ({ body }: Operation, path: string[]): unknown[] =>
    path.reduce((part, step) => part[step], body?.example);

  it('is looked for in every list that the document describes', () => {
    expect(lists().length).toBeGreaterThan(10);
    const described = closed().flatMap((operation) =>
      describedLists(operation.body?.schema).map((path) => [operation.where, path.join('.')]),
    );
    const found = lists().map(([{ where }, path]) => [where, path.join('.')]);
    expect(found.sort()).toEqual(described.sort());
  });

  it('is refused by every route that takes one, alone and beside a right one, and nothing is done', async () => {
    const before = await surface.contents();
    for (const [operation, path] of lists().filter(([{ where }]) => !BY_ROW.includes(where))) {
      const [entry] = entriesOf(operation, path);
      for (const stranger of strangersTo(entry)) {
        for (const list of [[stranger], [entry, stranger]]) {
          const said = await send(operation, withValue(operation.body?.example, path, list));
          const [field] = fieldsOf(said);
          expect([
            operation.where,
            list,
            said.status,
            said.body?.code,
            field?.startsWith(path.join('.')),
          ]).toEqual([operation.where, list, 400, 'validation_failed', true]);
        }
      }
    }
    expect(await surface.contents()).toEqual(before);
  });

  it('is refused in the result of its row where rows are answered one by one', async () => {
    const before = await surface.contents();
    for (const [operation, path] of lists().filter(([{ where }]) => BY_ROW.includes(where))) {
      const strangers = entriesOf(operation, path).flatMap((entry) => strangersTo(entry));
      const said = await send(operation, withValue(operation.body?.example, path, strangers));
      expect(said.body.results).toHaveLength(strangers.length);
      for (const result of said.body.results)
        expect(result).toMatchObject({ status: 400, code: 'validation_failed' });
    }
    expect(await surface.contents()).toEqual(before);
  });
});

describe('a query with a parameter that is not known', () => {
  it('is refused wherever there are known ones', async () => {
    const asking = surface.operations.filter(({ query }) => query.length > 0);
    expect(asking.length).toBeGreaterThan(15);
    for (const operation of asking) {
      const path = `${surface.pathOf(operation)}?hacker=1`;
      const said = await surface.send(operation.method, path, { headers: surface.admin.user.headers });
      expect([operation.where, said.status, fieldsOf(said)]).toEqual([operation.where, 400, ['hacker']]);
    }
  });
});

/** The route is there to set it. */
function settable({ where }: Operation, name: string): boolean {
  return where === 'patch /api/v1/admin/users/{id}' && name === 'role';
}

import fc from 'fast-check';
import type { Call, Operation } from './surface.js';

/** Stands for a number that JSON can write and no computer can hold. */
const BOUNDLESS = '@@boundless';

const TEXTS = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\ud800',
  'half \udfff',
  '\ud83d\ude00'.repeat(200),
  'a'.repeat(100_000),
  '\u202e\u0000\u001b[31m',
  '\r\nSet-Cookie: a=1',
  "'; DROP TABLE users; --",
  '../../etc/passwd',
  '%00',
  '-1',
  '1e999',
  'NaN',
  'null',
  '__proto__',
  '9999-12-31T23:59:59Z',
  '-000001-01-01T00:00:00Z',
  '2026-02-30',
  'http://127.0.0.1:9',
  'javascript:alert(1)',
  '00000000-0000-0000-0000-000000000000',
  BOUNDLESS,
];
const NUMBERS = [
  -1,
  0,
  0.1,
  1.5,
  1.005,
  99,
  100,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 53,
  -(2 ** 63),
  1e21,
  1e308,
  5e-324,
  999_999_999.99,
];
const OTHERS: unknown[] = [
  null,
  true,
  false,
  [],
  {},
  [null],
  [[]],
  { a: {} },
  [1, 1, 1],
  { length: 5 },
  { toString: 1 },
];

const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);

/** What no route has been made for. */
const value: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom<unknown>(...TEXTS) },
  { weight: 5, arbitrary: fc.constantFrom<unknown>(...NUMBERS) },
  { weight: 4, arbitrary: fc.constantFrom<unknown>(...OTHERS) },
  { weight: 3, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 50 }) },
  { weight: 1, arbitrary: fc.integer({ min: 15, max: 25 }).map(nested) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(99, 1_001, 2_001)
      .map((length) => Array(length).fill({ product_id: 1, quantity: 1 })),
  },
);

/** Changes a copy of an example in one place: another value there, nothing, a list of it, or one member more. */
const change = fc.record({
  place: fc.nat(),
  kind: fc.constantFrom('replace', 'replace', 'replace', 'remove', 'wrap', 'add'),
  name: fc.constantFrom(
    'hacker',
    '__proto__',
    'constructor',
    'toString',
    'price',
    'role',
    '',
    '\0',
    '\ud800',
  ),
  value,
});
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

type Place = { in: any; at: string };

function placesIn(parent: unknown): Place[] {
  if (!isObject(parent)) return [];
  return Object.keys(parent).flatMap((at) => [{ in: parent, at }, ...placesIn((parent as any)[at])]);
}

function changed(example: any, changes: Change[]): unknown {
  const copy = { body: structuredClone(example) };
  for (const { place, kind, name, value: given } of changes) {
    const value = structuredClone(given);
    const places = placesIn(copy);
    const { in: parent, at } = places[place % places.length] ?? { in: copy, at: 'body' };
    if (kind === 'replace') parent[at] = value;
    else if (kind === 'wrap') parent[at] = [parent[at], parent[at]];
    else if (kind === 'remove') delete parent[at];
    else add(isObject(parent[at]) ? parent[at] : parent, name, value);
  }
  return copy.body;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

// Also `__proto__`, as a member like any other.
function add(object: object, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
}

const written = (body: unknown): string => (JSON.stringify(body) ?? '').replaceAll(`"${BOUNDLESS}"`, '1e999');

const MALFORMED: (string | Buffer)[] = [
  '{',
  '"',
  '[1,]',
  '{"a":1}{"b":2}',
  '{"quantity":1,"quantity":[]}',
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '['.repeat(50_000),
  `{"a":${'9'.repeat(10_000)}}`,
  Buffer.from([0xff, 0xfe, 0x00, 0x7b]),
  Buffer.from('{"name":"\xff\xfe"}', 'latin1'),
  '\ufeff{}',
];
const TYPES = [
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/json; charset=latin1',
  'application/problem+json',
  'application/json;;;',
  'text/csv',
  'json',
  '*/*',
];

function bodyOf({ body }: Operation): fc.Arbitrary<Pick<Call, 'headers' | 'body'>> {
  const example = body?.example ?? {};
  const type = body?.type ?? 'application/json';
  const content = fc.oneof(
    {
      weight: 10,
      arbitrary: fc
        .array(change, { minLength: 1, maxLength: 3 })
        .map((changes) => written(changed(example, changes))),
    },
    { weight: 3, arbitrary: value.map(written) },
    { weight: 3, arbitrary: fc.constantFrom(...MALFORMED) },
    { weight: 1, arbitrary: fc.constant(written(example)) },
    ...(type === 'text/csv' ? [{ weight: 20, arbitrary: csv }] : []),
  );
  const types = fc.oneof(
    { weight: 12, arbitrary: fc.constant(type) },
    { weight: 1, arbitrary: fc.constantFrom(...TYPES) },
  );
  const some = fc
    .record({ body: content, type: types })
    .map((said) => ({ headers: { 'content-type': said.type }, body: said.body }));
  const weight = body === null ? 5 : 1;
  return fc.oneof({ weight, arbitrary: fc.constant({}) }, { weight: 6, arbitrary: some });
}

const COLUMNS = [
  'sku',
  'name',
  'description',
  'price',
  'category',
  'image_url',
  'storefront_id',
  'parent_sku',
  'low_stock_threshold',
  'active',
  'stock',
];
const cell = fc.oneof(
  fc.constantFrom(...TEXTS.filter((text) => text.length < 1_000), ...NUMBERS.map(String)),
  fc.constantFrom('"', '""', '"open', 'a,b', '=1+1', 'LAPTOP-001', '9.99'),
);
const csv = fc
  .tuple(
    fc.shuffledSubarray([...COLUMNS, 'hacker', 'sku', '__proto__']),
    fc.array(fc.array(cell, { maxLength: 12 }), { maxLength: 8 }),
  )
  .map(([head, rows]) => [head, ...rows].map((row) => row.join(',')).join('\n'));

/** As it stands in an address: half a surrogate pair as UTF-8 would write it, if it could. */
const encoded = (text: string): string =>
  text.replace(
    /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]|[\s\S]/gu,
    (character) => (/\p{Cs}/u.test(character) ? '%ED%A0%80' : encodeURIComponent(character)),
  );

const SEGMENTS = [
  '0',
  '-1',
  '1.5',
  '1e3',
  '1',
  '2147483648',
  '9'.repeat(40),
  '%00',
  '1%00',
  '%ZZ',
  '%E0%A4%A',
  '%ED%A0%80',
  '%F0%9F%92%A9',
  '%EF%BC%91',
  '1%0a',
  '..',
  '..%2f..%2fetc%2fpasswd',
  '%27%20OR%201=1',
  '__proto__',
  'constructor',
  '',
  'a'.repeat(300),
  'a'.repeat(301),
  '01939b1e-7c1a-7000-8000-3f3f1a2b4c5d',
  'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF',
  '01939b1e7c1a700080003f3f1a2b4c5d',
];

function pathOf({ path }: Operation, id: string | number | undefined): fc.Arbitrary<string> {
  if (id === undefined) return fc.constant(path);
  const segment = fc.oneof(
    { weight: 3, arbitrary: fc.constant(String(id)) },
    { weight: 2, arbitrary: fc.constantFrom(...SEGMENTS) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }).map(encoded) },
  );
  return segment.map((text) => path.replace(/\{\w+\}/, () => text));
}

/** A place in a list as we write it, with one thing in it replaced. */
function forged(cursor: string): fc.Arbitrary<string> {
  const keyset = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  return fc.tuple(fc.nat(keyset.length - 1), value).map(([at, other]) => {
    const copy = [...keyset];
    copy[at] = other;
    return Buffer.from(written(copy).slice(0, 700)).toString('base64url');
  });
}

const ODDITIES = [
  '__proto__=1',
  'constructor[prototype][polluted]=1',
  '%00=1',
  '&&&=&',
  '?',
  'hacker',
  `a=${'b'.repeat(8_000)}`,
  '%ZZ=%ZZ',
  '%=1',
];

function queryOf({ query }: Operation, cursor: string | null): fc.Arbitrary<string> {
  const texts = value.map((said) =>
    encoded(typeof said === 'string' ? said.slice(0, 2_000) : written(said).slice(0, 2_000)),
  );
  const pairs = query.map(({ name, schema }): fc.Arbitrary<string> => {
    const known = fc.constantFrom(...(schema.enum ?? ['1', '2', 'true', 'order-1', '2026-11-21T00:00:00Z']));
    const said =
      name === 'cursor' && cursor !== null ? fc.oneof(texts, forged(cursor)) : fc.oneof(texts, texts, known);
    return said.chain((text) =>
      fc.constantFrom(
        `${name}=${text}`,
        `${name}=${text}`,
        `${name}=${text}`,
        `${name}=1&${name}=${text}`,
        `${name}[]=${text}`,
        `${name}[a]=${text}`,
        name,
      ),
    );
  });
  const odd = fc.constantFrom(...ODDITIES);
  const pieces =
    pairs.length === 0
      ? odd
      : fc.oneof({ weight: 8, arbitrary: fc.oneof(...pairs) }, { weight: 1, arbitrary: odd });
  const some = fc.array(pieces, { minLength: 1, maxLength: 3 }).map((all) => `?${all.join('&')}`);
  return fc.oneof(
    { weight: query.length > 0 ? 1 : 8, arbitrary: fc.constant('') },
    { weight: 6, arbitrary: some },
  );
}

const header = fc.constantFrom<[string, string]>(
  ['idempotency-key', ''],
  ['idempotency-key', 'k'],
  ['idempotency-key', 'a'.repeat(255)],
  ['idempotency-key', 'a'.repeat(256)],
  ['idempotency-key', '\xe9'],
  ['idempotency-key', 'two words'],
  ['x-request-id', '\xff'.repeat(200)],
  ['x-giant', 'a'.repeat(12_000)],
  ['accept', 'text/html;q=x'],
  ['accept-encoding', 'gzip;q=-1, \xff'],
  ['if-none-match', '"'.repeat(500)],
  ['range', 'bytes=9-1'],
  ['x-forwarded-for', '\xff, 1.2.3.4, ::1'],
  ['x-http-method-override', 'DELETE'],
  ['origin', 'null'],
  ['cookie', 'a=b; __proto__=c'],
  ['host', '\xff'],
);

const GARBAGE: Record<string, string>[] = [
  { authorization: 'Bearer' },
  { authorization: 'Bearer a.b.c' },
  { authorization: `Bearer ${'a'.repeat(7_000)}` },
  { authorization: 'Bearer \xff\xfe' },
  { authorization: 'Bearer eyJhbGciOiJub25lIn0.e30.' },
  { authorization: 'Bearer bnVsbA.bnVsbA.bnVsbA' },
  { 'x-api-key': '' },
  { 'x-api-key': `hf_${'\xff'.repeat(43)}` },
];

export interface FuzzedCall {
  path: string;
  call: Call;
}

/** Calls of a route as nobody means them, mostly by somebody who may call it, of a thing that is there or not. */
export function nastyCalls(
  operation: Operation,
  id: string | number | undefined,
  cursor: string | null,
  callers: Record<string, string>[],
): fc.Arbitrary<FuzzedCall> {
  const who = fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(...callers) },
    { weight: 1, arbitrary: fc.constantFrom(...GARBAGE) },
  );
  const parts = {
    path: pathOf(operation, id),
    query: queryOf(operation, cursor),
    said: bodyOf(operation),
    who,
  };
  const odd = fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: header });
  return fc.record({ ...parts, odd }).map(({ path, query, said, who, odd }) => ({
    path: path + query,
    call: { body: said.body, headers: { ...said.headers, ...who, ...(odd && { [odd[0]]: odd[1] }) } },
  }));
}

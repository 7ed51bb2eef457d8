import fc from 'fast-check';
import { givenApiKey } from '../support/given.js';
import { expectAuditClean } from '../support/promises.js';
import { type FuzzedCall, nastyCalls } from './nasty.js';
import { type Operation, type Said, Surface } from './surface.js';

/** The same seed makes the same calls, but for the ids of what is there. */
const SEED = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));
const CALLS = Number(process.env.FUZZ_CALLS ?? 12);
const REPLAY = `FUZZ_SEED=${SEED} FUZZ_CALLS=${CALLS} npm test -- test/security/fuzz.test.ts`;

let surface: Surface;
/** Who may call a route, by whom it asks for. */
let callers: Record<Operation['asks'], Record<string, string>[]>;

beforeAll(async () => {
  console.info(REPLAY);
  surface = await Surface.open();
  const { headers } = await givenApiKey(surface.app, 'inventory:read', 'inventory:write');
  const admin = surface.admin.user.headers;
  const ada = surface.ada.user.headers;
  callers = { nobody: [{}, ada, admin], user: [ada, ada, admin], admin: [admin], scope: [admin, headers] };
});

afterAll(async () => {
  await surface?.close();
});

/** What may stand in no answer: where the code lies, what it asks the database, how it is built. */
const LEAK =
  /\bat (\/|file:|Object\.|async )|node_modules|\.[jt]s:\d|\b(SELECT|INSERT INTO|UPDATE .* SET)\b|relation "|Sequelize|TypeError/;

function faultOf({ status, headers, text, body }: Said): string | null {
  if (status >= 500) return `answered ${status}`;
  if (status < 400) return null;
  if (headers['content-type'] !== 'application/problem+json; charset=utf-8') return 'is no problem+json';
  if (body?.status !== status || !body.code || body.error !== body.detail) return 'is no whole problem';
  if (body.request_id !== headers['x-request-id']) return 'has not its own request id';
  return LEAK.test(text) ? 'tells what is none of the client’s business' : null;
}

const shown = (said: unknown): string => JSON.stringify(said)?.slice(0, 700) ?? '';

/** Where the next page of a list begins, to be forged. */
async function cursorOf(operation: Operation): Promise<string | null> {
  if (!operation.query.some(({ name }) => name === 'cursor')) return null;
  const owner = operation.asks === 'user' ? surface.ada : surface.admin;
  const path = `${surface.pathOf(operation)}?limit=1`;
  const { body } = await surface.send('get', path, { headers: owner.user.headers });
  return body.next_cursor;
}

describe('whatever is sent to it', () => {
  it('every route answers, says what is wrong, and never breaks', async () => {
    const faults: string[] = [];
    const reached = new Map<string, number>();
    // What deletes comes last, so that the others find what they need.
    const last = ({ method }: Operation) => Number(method === 'delete');
    const all = [...surface.operations].sort((one, other) => last(one) - last(other));
    let cursors = 0;
    for (const operation of all) {
      const { where, method, collection } = operation;
      const cursor = await cursorOf(operation);
      cursors += Number(cursor !== null);
      const id = collection === null ? undefined : surface.things[collection];
      const calls: FuzzedCall[] = fc.sample(nastyCalls(operation, id, cursor, callers[operation.asks]), {
        seed: SEED,
        numRuns: CALLS,
      });
      for (const { path, call } of calls) {
        const said = await surface.send(method, path, call);
        const fault = faultOf(said);
        if (![401, 403, 429].includes(said.status)) reached.set(where, (reached.get(where) ?? 0) + 1);
        if (fault)
          faults.push(
            `${where} ${fault}\n  ${path} ${shown(call)}\n  ${said.text.slice(0, 400)}\n  ${REPLAY}`,
          );
      }
    }
    expect(faults).toEqual([]);
    // Who is kept at the door breaks nothing inside.
    expect(surface.operations.filter(({ where }) => (reached.get(where) ?? 0) < CALLS / 3)).toEqual([]);
    expect(cursors).toBeGreaterThan(5);
  }, 240_000);

  it('is seen to break when it does', async () => {
    await surface.database.sql('ALTER TABLE storefronts RENAME TO hidden');
    const said = await surface.send('get', '/api/v1/storefronts/1');
    await surface.database.sql('ALTER TABLE hidden RENAME TO storefronts');
    expect(faultOf(said)).toBe('answered 500');
    expect(faultOf({ ...said, status: 400 })).toBe('is no whole problem');
  });

  it('lives on, as the same service', async () => {
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    const me = await surface.send('get', '/api/v1/auth/me', { headers: surface.admin.user.headers });
    expect([me.status, me.body.role]).toEqual([200, 'admin']);
    expect((await surface.send('get', '/health')).body).toEqual({ status: 'ok' });
  });

  it('keeps every promise', async () => {
    await expectAuditClean(surface.app);
  });
});

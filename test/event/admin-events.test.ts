import { randomUUID } from 'node:crypto';
import { cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { eventually } from '../support/eventually.js';
import { givenAdmin, givenCustomer } from '../support/given.js';
import { bootWith, Clerk, effectsOf, givenEffects, paid, tell, untilEffects } from './given-consumer.js';

let database: TestDatabase;
let app: TestApp;
let admin: Record<string, string>;
const clerk = new Clerk();

beforeAll(async () => {
  database = await cloneDatabase();
  await givenEffects(database);
  app = await bootWith(database, [clerk]);
  admin = (await givenAdmin(app, database)).headers;
});
afterAll(async () => {
  await app.close();
  await database.drop();
});
beforeEach(async () => {
  clerk.brokenAt = null;
  await database.sql('DELETE FROM events');
  await database.sql('DELETE FROM effects');
});

async function call(path: string, method = 'GET', headers: Record<string, string> = admin) {
  const answer = await fetch(`${app.url}/api/v1/admin${path}`, { method, headers });
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as any };
}

/** A letter of the clerk's, who is well again. */
async function givenLetter(n = 1): Promise<{ id: string; event_id: string }> {
  clerk.brokenAt = true;
  await tell(app, paid(n));
  const letter = await eventually(
    async () => (await call('/dead-letters')).body.dead_letters.find((one: any) => one.consumer === 'clerk'),
    { what: 'the dead letter' },
  );
  clerk.brokenAt = null;
  return letter;
}

describe('the list of events', () => {
  it('is newest first, in pages, with a total when asked for', async () => {
    await tell(app, paid(1), paid(2));
    await tell(app, paid(3));
    const { status, body } = await call('/events?limit=2&count=true');
    expect(status).toBe(200);
    expect(body.total).toBe(3);
    expect(body.events.map(({ data }: any) => data.n)).toEqual([3, 2]);
    expect(body.events[0]).toEqual({
      id: expect.any(String),
      type: 'order.paid',
      data: { n: 3 },
      created_at: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    const next = await call(`/events?limit=2&cursor=${body.next_cursor}`);
    expect(next.body.events.map(({ data }: any) => data.n)).toEqual([1]);
    expect(next.body.next_cursor).toBeNull();
  });

  it('shows one type when asked for it', async () => {
    await tell(app, paid(1), { type: 'order.failed', data: {} });
    const { body } = await call('/events?type=order.failed&count=true');
    expect(body).toEqual({
      events: [expect.objectContaining({ type: 'order.failed' })],
      next_cursor: null,
      total: 1,
    });
  });

  it.each(['limit=0', 'type=order.lost', 'cursor=x', 'color=red', `cursor=${cursor('-'.repeat(36))}`])(
    'refuses ?%s',
    async (query) => {
      expect(await call(`/events?${query}`)).toMatchObject({
        status: 400,
        body: { code: 'validation_failed' },
      });
    },
  );
});

function cursor(id: string): string {
  return Buffer.from(JSON.stringify(['events-newest-first', id])).toString('base64url');
}

describe('a dead letter', () => {
  it('is listed with what went wrong, until it is resolved', async () => {
    const letter = await givenLetter();
    const { body } = await call('/dead-letters?count=true');
    expect(body).toEqual({
      dead_letters: [
        {
          id: letter.id,
          event_id: letter.event_id,
          type: 'order.paid',
          consumer: 'clerk',
          error: 'the clerk is ill',
          attempts: 2,
          failed_at: expect.stringMatching(/Z$/),
        },
      ],
      next_cursor: null,
      total: 1,
    });
    expect((await call(`/dead-letters/${letter.id}/discard`, 'POST')).body.resolution).toBe('discarded');
    expect((await call('/dead-letters')).body.dead_letters).toEqual([]);
    expect(await effectsOf(database)).toEqual([]);
  });

  it('is retried once, however often and by however many it is asked for', async () => {
    const { id, event_id } = await givenLetter();
    const answers = await Promise.all([1, 2, 3].map(() => call(`/dead-letters/${id}/retry`, 'POST')));
    for (const { status, body } of answers) {
      expect([status, body.id, body.resolution]).toEqual([200, id, 'retried']);
    }
    await untilEffects(database, [1]);
    const jobs = await database.sql(
      `SELECT FROM pgboss.job WHERE name = 'events.clerk' AND state < 'failed' AND data->'event_ids' ? $1`,
      [event_id],
    );
    expect(jobs).toHaveLength(1);
    expect(await effectsOf(database)).toEqual([1]);
  });

  it('that is retried before the repair comes back as a new one', async () => {
    const { id } = await givenLetter();
    clerk.brokenAt = true;
    await call(`/dead-letters/${id}/retry`, 'POST');
    const [letter] = await eventually(
      async () => {
        const { body } = await call('/dead-letters');
        return body.dead_letters.length > 0 && body.dead_letters;
      },
      { what: 'the new letter' },
    );
    expect(letter.id).not.toBe(id);
  });

  it('answers the same to the same idempotency key', async () => {
    const { id } = await givenLetter();
    const headers = { ...admin, 'idempotency-key': randomUUID() };
    const first = await call(`/dead-letters/${id}/retry`, 'POST', headers);
    const second = await call(`/dead-letters/${id}/retry`, 'POST', headers);
    expect(second.headers.get('idempotent-replayed')).toBe('true');
    expect(second.body).toEqual(first.body);
  });

  it('of a consumer that is gone can only be discarded', async () => {
    const { id } = await givenLetter();
    await database.sql(`UPDATE dead_letters SET consumer = 'gone' WHERE id = $1`, [id]);
    expect(await call(`/dead-letters/${id}/retry`, 'POST')).toMatchObject({
      status: 409,
      body: { code: 'consumer_gone' },
    });
    expect((await call(`/dead-letters/${id}/discard`, 'POST')).status).toBe(200);
  });

  it.each(['retry', 'discard'])('that is unknown or malformed cannot be asked to %s', async (verb) => {
    expect((await call(`/dead-letters/${randomUUID()}/${verb}`, 'POST')).status).toBe(404);
    expect((await call(`/dead-letters/7/${verb}`, 'POST')).status).toBe(400);
  });
});

describe('the admin routes of events', () => {
  it.each([
    ['GET', '/events'],
    ['GET', '/dead-letters'],
    ['POST', `/dead-letters/${randomUUID()}/retry`],
    ['POST', `/dead-letters/${randomUUID()}/discard`],
  ])('%s %s are for admins', async (method, path) => {
    const { headers } = await givenCustomer(app);
    expect((await call(path, method, {})).status).toBe(401);
    expect(await call(path, method, headers)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  });
});

import { AuditService } from '../../src/audit/audit.service.js';
import { RetentionService } from '../../src/event/retention.service.js';
import { OverdueHolds } from '../../src/inventory/overdue-holds.service.js';
import { DatabaseService } from '../../src/platform/database/database.service.js';
import { IdempotencyService } from '../../src/platform/idempotency/idempotency.service.js';
import { Jobs } from '../../src/platform/jobs/jobs.service.js';
import { WebhookDeliveryService } from '../../src/webhook/webhook-delivery.service.js';
import { BY_HAND, newRef, Tables } from '../inventory/holds.js';
import { meeting } from '../support/barrier.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';

let database: TestDatabase;
let app: TestApp;

beforeAll(async () => {
  database = await cloneDatabase();
  app = await bootApp(database, BY_HAND);
});
afterAll(async () => {
  await app?.close();
  await database?.drop();
});

/** A stop that comes after the work has asked for it so many times. */
function stopAfter(times: number): AbortSignal {
  let asked = 0;
  return {
    get aborted() {
      asked += 1;
      return asked > times;
    },
  } as AbortSignal;
}

const countOf = async (query: string) =>
  Number((await database.sql<{ n: string }>(`SELECT count(*) AS n FROM ${query}`))[0]?.n);

/** Seven batches of each, and some more. */
const MANY = 7_500;

describe('a stop lets the batch that is under way be finished, and leaves the rest', () => {
  it('of the overdue holds', async () => {
    const tables = new Tables(database);
    const refs = Array.from({ length: 20 }, newRef);
    await tables.givenOverdue(await tables.product(20), refs);
    const left = () => countOf(`reservations WHERE status = 'active'`);
    expect(await app.app.get(OverdueHolds).sweep(stopAfter(2))).toBe(8);
    expect(await left()).toBe(12);
    expect(await app.app.get(OverdueHolds).sweep()).toBe(12);
    expect(await left()).toBe(0);
  });

  it('of the old idempotency keys', async () => {
    await database.sql(
      `INSERT INTO idempotency_keys (scope, body_hash, status, response, created_at, finished_at)
       SELECT 'old ' || n, sha256('{}'), 200, '{}', now() - interval '1 year', now() - interval '1 year' FROM generate_series(1, $1::int) n`,
      [MANY],
    );
    expect(await app.app.get(IdempotencyService).expire(stopAfter(1))).toBe(2_000);
    expect(await app.app.get(IdempotencyService).expire()).toBe(MANY - 2_000);
  });

  it('of the old events and of the log of their consumers', async () => {
    await database.sql(
      `WITH old AS (
         INSERT INTO events (id, type, data, created_at)
         SELECT ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'stock.changed', '{}', now() - interval '1 year'
         FROM generate_series(1, $1::int) n RETURNING id)
       INSERT INTO event_processing_log (event_id, consumer, processed_at)
       SELECT id, 'clerk', now() - interval '1 year' FROM old`,
      [MANY],
    );
    const left = async () => [
      await countOf(`events WHERE created_at < now() - interval '300 days'`),
      await countOf(`event_processing_log WHERE consumer = 'clerk'`),
    ];
    await app.app.get(RetentionService).removeOld(stopAfter(2));
    expect(await left()).toEqual([MANY - 2_000, MANY]);
    await app.app.get(RetentionService).removeOld();
    expect(await left()).toEqual([0, 0]);
  });

  it('of the old deliveries of webhooks', async () => {
    await database.sql(
      `WITH endpoint AS (
         INSERT INTO webhook_endpoints (url, events, secret) VALUES ('https://erp.example/', '{*}', 'whsec_AAAA') RETURNING id)
       INSERT INTO webhook_deliveries (id, endpoint_id, event_id, type, body, status, created_at, delivered_at)
       SELECT gen_random_uuid(), endpoint.id, gen_random_uuid(), 'order.paid', '{}', 'delivered', now() - interval '1 year', now()
       FROM endpoint, generate_series(1, $1::int) n`,
      [MANY],
    );
    await app.app.get(WebhookDeliveryService).removeOld(stopAfter(1));
    expect(await countOf('webhook_deliveries')).toBe(MANY - 1_000);
  });

  it('of the audit, which then has found nothing out', async () => {
    const audit = app.app.get(AuditService);
    const reason = new Error('stopping');
    await expect(audit.audit(AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(audit.latest()).toBeNull();
  });
});

describe('a scheduled job', () => {
  it('hears that the service stops, and is waited for', async () => {
    const begun = meeting(2);
    const heard: string[] = [];
    const other = await bootApp(database, BY_HAND, (nest) => {
      void nest.get(Jobs).schedule('test-nightly', '0 0 1 1 *', async (stopping) => {
        const stop = new Promise((resolve) => stopping.addEventListener('abort', resolve));
        await begun();
        await stop;
        heard.push('stopped');
      });
    });
    await other.app
      .get(DatabaseService)
      .transaction((tx) => other.app.get(Jobs).send('test-nightly', {}, {}, tx));
    await begun();
    await other.close();
    expect(heard).toEqual(['stopped']);
  });
});

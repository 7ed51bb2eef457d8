import { RecoveryService } from '../../src/checkout/recovery.service.js';
import { IdempotencyService } from '../../src/platform/idempotency/idempotency.service.js';
import { meeting, times, until } from '../support/barrier.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import {
  actsAndDropsTheConnection,
  dropsTheConnection,
  fine,
  GivenProvider,
  type Mood,
  says,
} from '../support/given-provider.js';
import {
  expectProblem,
  givenCart,
  givenProduct,
  givenShopper,
  type Shopper,
  stockOf,
} from '../support/given-shop.js';
import { expectPromisesKept } from '../support/promises.js';

const cutsItsAnswerShort: Mood = async (_, forward, response) => {
  const text = await (await forward()).text();
  response.writeHead(200, { 'content-length': text.length });
  response.write(text.slice(0, text.length / 2), () => response.destroy());
};
const namesAnotherAmount: Mood = async (_, forward, response) => {
  const payment = (await (await forward()).json()) as { amount: { value: string } };
  payment.amount.value = '0.01';
  response.writeHead(200).end(JSON.stringify(payment));
};

const MOODS: [string, Mood][] = [
  ['drops the connection', dropsTheConnection],
  ['charges and drops the connection', actsAndDropsTheConnection],
  ['charges and cuts its answer short', cutsItsAnswerShort],
  ['charges and names another amount', namesAnotherAmount],
  ['answers 500', says(500, '{"type":"error","code":"internal_server_error"}')],
  ['answers 503 with a page of a proxy', says(503, '<h1>Bad gateway</h1>')],
  ['answers 200 with garbage', says(200, 'OK!')],
  ['answers 200 with nothing', says(200, '')],
  ['answers 200 with half a payment', says(200, '{"id":"1","status":"succeeded"}')],
  ['answers 202: still working', says(202, '{"type":"processing"}')],
  ['answers 401', says(401, '{"type":"error","code":"invalid_credentials"}')],
  ['answers 404', says(404, 'no such page')],
  ['answers 400 that is not its own', says(400, '<h1>Bad request</h1>')],
  ['answers 429', says(429, '{"type":"error","code":"too_many_requests"}')],
];

let provider: GivenProvider;
let settings: Record<string, string>;
let database: TestDatabase;
let apps: TestApp[];
let one: TestApp;
let other: TestApp;

beforeAll(async () => {
  provider = await GivenProvider.open();
  database = await cloneDatabase();
  // Nothing is recovered before a test says so.
  settings = { ...provider.settings, PAYMENT_RECOVERY_SECONDS: '3600' };
  apps = await times(2, () => bootApp(database, settings));
  [one, other] = apps as [TestApp, TestApp];
});
beforeEach(() => provider.reset());
afterAll(() => expectPromisesKept(database));
afterAll(async () => {
  await Promise.all(apps.map((app) => app.close()));
  await provider.close();
  await database.drop();
});

const recover = (app = one) => app.app.get(RecoveryService).recover();

/** The database's clock comes to when the payment is asked about next. */
const givenIsDue = (orderId: string) =>
  database.sql('UPDATE payments SET next_check_at = now() WHERE order_id = $1', [orderId]);

async function givenBuyer(): Promise<{ ada: Shopper; lamp: number }> {
  const lamp = await givenProduct(database, { price: 12.5, stock: 10 });
  return { ada: await givenCart(one, { product_id: lamp, quantity: 2 }), lamp };
}

const eventsOf = async (orderId: string): Promise<string[]> => {
  const text = `SELECT type FROM events WHERE data->>'order_id' = $1 ORDER BY type`;
  return (await database.sql(text, [orderId])).map(({ type }) => type);
};

describe('a provider that', () => {
  it.each(MOODS)('%s makes a payment unknown, never failed, and is asked the same again', async (_, bad) => {
    const { ada, lamp } = await givenBuyer();
    provider.mood = bad;
    const answer = await ada.checkout({}, 'a-key');
    expect(answer.status).toBe(202);
    expect(answer.body).toMatchObject({
      status: 'PENDING',
      payment: { status: 'unknown', failure_code: null, settled_at: null },
    });
    const { order_id } = answer.body;
    // Still bad, and asked again.
    await recover();
    expect((await ada.payments(order_id)).map(({ status }) => status)).toEqual(['unknown']);
    expect((await ada.get(order_id)).body).toMatchObject({ status: 'pending', payment_status: 'processing' });
    expect(await stockOf(database, lamp)).toBe(8);

    provider.mood = fine;
    await givenIsDue(order_id);
    await recover();
    expect((await ada.checkout({}, 'a-key')).body).toMatchObject({ status: 'COMPLETED', order_id });
    const charges = provider.posts();
    expect(charges).toHaveLength(3);
    for (const { path, body, headers } of charges) {
      expect([path, headers['idempotence-key']]).toEqual(['/v3/payments', `order-${order_id}-payment`]);
      expect(body).toBe(charges[0]?.body);
    }
    expect(await provider.ledger(order_id)).toMatchObject({
      captures: 1,
      payments: [{ status: 'succeeded' }],
    });
  });

  it('has declined, and then dropped the connection, makes the checkout FAILED once it is asked', async () => {
    const { ada, lamp } = await givenBuyer();
    provider.mood = actsAndDropsTheConnection;
    const { body } = await ada.checkout({ payment_token: 'tok_declined' }, 'a-key');
    expect(body.status).toBe('PENDING');
    provider.mood = fine;
    await recover();
    const again = await ada.checkout({ payment_token: 'tok_declined' }, 'a-key');
    expect(again.body).toMatchObject({ status: 'FAILED', payment: { failure_code: 'general_decline' } });
    expect(await stockOf(database, lamp)).toBe(10);
    expect(await ada.cart()).toHaveLength(1);
  });

  it('has lost a payment which it had named leaves it unknown: charging anew might charge twice', async () => {
    const { ada } = await givenBuyer();
    const { body } = await ada.checkout({ payment_token: 'tok_pending' }, 'a-key');
    provider.mood = says(404, '{"type":"error","id":"1","code":"not_found","description":"","parameter":""}');
    await recover();
    expect(await ada.payments(body.order_id)).toMatchObject([{ status: 'unknown', attempt: 1 }]);
    expect(provider.posts()).toHaveLength(1);
    provider.mood = fine;
    await provider.decide(body.payment.confirmation_url, 'approve');
    await givenIsDue(body.order_id);
    await recover();
    expect((await ada.get(body.order_id)).body.status).toBe('paid');
  });
});

describe('a payment that stays unknown', () => {
  it('is asked about less and less often, at last once a minute', async () => {
    const patient = await bootApp(database, { ...settings, PAYMENT_RECOVERY_SECONDS: '10' });
    const { ada } = await givenBuyer();
    provider.mood = dropsTheConnection;
    const { order_id } = (await ada.at(patient).checkout()).body;
    const waits: number[] = [];
    for (let check = 0; check < 5; check++) {
      const text = `SELECT round(extract(epoch FROM next_check_at - now())) AS seconds FROM payments WHERE order_id = $1`;
      const [row] = await database.sql<{ seconds: string }>(text, [order_id]);
      waits.push(Math.max(0, Number(row?.seconds)));
      await givenIsDue(order_id);
      expect(await recover(patient)).toBe(1);
    }
    expect(waits).toEqual([0, 10, 30, 60, 60]);
    expect(await recover(patient)).toBe(0);
    provider.mood = fine;
    await givenIsDue(order_id);
    await recover();
    await patient.close();
  });

  it('does not keep others from being recovered, nor does one that cannot be settled', async () => {
    const buyers = await times(20, () => givenBuyer());
    provider.mood = dropsTheConnection;
    const orders: string[] = await Promise.all(
      buyers.map(async ({ ada }) => (await ada.checkout()).body.order_id),
    );
    provider.mood = fine;
    await database.sql(
      `CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'stuck'; END $$`,
    );
    await database.sql(
      `CREATE TRIGGER fail BEFORE UPDATE ON orders FOR EACH ROW WHEN (NEW.id = '${orders[3]}')
       EXECUTE FUNCTION fail()`,
    );
    await recover();
    const paid = await database.sql(`SELECT id FROM orders WHERE id = ANY($1::uuid[]) AND status = 'paid'`, [
      orders,
    ]);
    expect(paid).toHaveLength(19);
    await database.sql('DROP FUNCTION fail CASCADE');
    await database.sql('UPDATE payments SET busy_until = now() WHERE order_id = $1', [orders[3]]);
    expect(await recover()).toBe(1);
    expect(await provider.ledger(orders[3] as string)).toMatchObject({ captures: 1 });
  });
});

describe('two instances that recover at once', () => {
  it('settle each payment once', async () => {
    const buyers = await times(10, () => givenBuyer());
    provider.mood = actsAndDropsTheConnection;
    const orders: string[] = await Promise.all(
      buyers.map(async ({ ada }) => (await ada.checkout()).body.order_id),
    );
    provider.mood = fine;
    const counts = await Promise.all([recover(one), recover(other), recover(one), recover(other)]);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(10);
    for (const id of orders) {
      expect(await eventsOf(id)).toEqual(['order.paid', 'order.placed', 'payment.succeeded']);
      expect(await provider.ledger(id)).toMatchObject({ captures: 1 });
    }
    await expectPromisesKept(database);
  });

  it.each([
    ['tok_success', ['order.paid', 'order.placed', 'payment.succeeded']],
    ['tok_declined', ['order.placed', 'payment.failed']],
  ])('settle it once even when both have asked, with %s', async (payment_token, told) => {
    const ada = await givenShopper(one);
    const { id } = await ada.order([{ product_id: await givenProduct(database), quantity: 1 }]);
    provider.mood = actsAndDropsTheConnection;
    await ada.pay(id, { payment_token });
    // Whoever is at it is thought dead: the second asks while the first is still waiting for its answer.
    const bothHaveAsked = meeting(2);
    provider.mood = async (...call) => {
      await bothHaveAsked();
      await fine(...call);
    };
    const first = recover(one);
    await until('the first has asked', async () => {
      await database.sql('SELECT');
      return provider.asked.length === 2;
    });
    await database.sql('UPDATE payments SET busy_until = now() WHERE order_id = $1', [id]);
    expect(await Promise.all([first, recover(other)])).toEqual([1, 1]);
    expect(await eventsOf(id)).toEqual(told);
  });
});

describe('the job itself', () => {
  it('recovers before long', async () => {
    const { ada } = await givenBuyer();
    provider.mood = actsAndDropsTheConnection;
    const { order_id } = (await ada.checkout()).body;
    provider.mood = fine;
    const app = await bootApp(database, { ...settings, PAYMENT_RECOVERY_SECONDS: '1' });
    await until('it is paid', async () => (await ada.get(order_id)).body.status === 'paid');
    await app.close();
  });
});

describe('a call that was cut off', () => {
  const BUSY = `now() + interval '1 hour'`;

  /** As a crash leaves it: the claim and the attempt are committed, and whoever was at them is no more. */
  async function givenCutOff(orderId: string, instanceId: string): Promise<void> {
    await database.sql(
      `UPDATE payments SET status = 'pending', settled_at = NULL, provider_payment_id = NULL, instance_id = $2,
         busy_until = ${BUSY} WHERE order_id = $1`,
      [orderId, instanceId],
    );
    await database.sql(
      `UPDATE idempotency_keys SET status = NULL, response = NULL, finished_at = NULL, instance_id = $2,
         busy_until = ${BUSY}
       WHERE resource_id = $1 OR resource_id IN (SELECT id FROM payments WHERE order_id = $1)`,
      [orderId, instanceId],
    );
  }

  /** An instance that was last seen so long ago. */
  async function givenInstance(seenSecondsAgo: number): Promise<string> {
    const [row] = await database.sql<{ id: string }>(
      `INSERT INTO instances (id, seen_at) VALUES (gen_random_uuid(), now() - $1 * interval '1 second') RETURNING id`,
      [seenSecondsAgo],
    );
    return row?.id as string;
  }

  const givenCheckout = async (bad: Mood, instanceId: string) => {
    const { ada, lamp } = await givenBuyer();
    provider.mood = bad;
    const { order_id } = (await ada.checkout({}, 'a-key')).body;
    provider.mood = fine;
    await givenCutOff(order_id, instanceId);
    return { ada, lamp, orderId: order_id as string };
  };

  it.each<[string, Mood]>([
    ['before the provider heard of it', dropsTheConnection],
    ['after the provider had charged', actsAndDropsTheConnection],
  ])('%s is taken over by its retry, on the same order', async (_, bad) => {
    const { ada, lamp, orderId } = await givenCheckout(bad, crypto.randomUUID());
    const answer = await ada.at(other).checkout({}, 'a-key');
    expect(answer.status).toBe(200);
    expect(answer.headers['idempotent-replayed']).toBeUndefined();
    expect(answer.body).toMatchObject({ status: 'COMPLETED', order_id: orderId });
    const again = await ada.checkout({}, 'a-key');
    expect([again.body, again.headers['idempotent-replayed']]).toEqual([answer.body, 'true']);
    expect(await provider.ledger(orderId)).toMatchObject({ captures: 1 });
    expect(await stockOf(database, lamp)).toBe(8);
    expect(await ada.cart()).toEqual([]);
    expect(await database.sql('SELECT FROM orders WHERE user_id = $1', [ada.id])).toHaveLength(1);
  });

  it('is taken over once its instance has not been seen for six seconds', async () => {
    const { ada } = await givenCheckout(dropsTheConnection, await givenInstance(7));
    expect((await ada.checkout({}, 'a-key')).body.status).toBe('COMPLETED');
  });

  it('is taken over however old its key is: only what was answered ends with its time', async () => {
    const { ada, orderId } = await givenCheckout(actsAndDropsTheConnection, crypto.randomUUID());
    await database.sql(
      `UPDATE idempotency_keys SET created_at = now() - interval '2 days' WHERE resource_id = $1`,
      [orderId],
    );
    await one.app.get(IdempotencyService).expire();
    expect((await ada.checkout({}, 'a-key')).body).toMatchObject({ status: 'COMPLETED', order_id: orderId });
    expect(await provider.ledger(orderId)).toMatchObject({ captures: 1 });
    expect(await database.sql('SELECT FROM orders WHERE user_id = $1', [ada.id])).toHaveLength(1);
  });

  it('is no longer taken over when nobody has come for all the time of a key', async () => {
    const { ada, orderId } = await givenCheckout(dropsTheConnection, crypto.randomUUID());
    await database.sql(
      `UPDATE idempotency_keys SET created_at = now() - interval '2 days', busy_until = now() - interval '2 days'
       WHERE resource_id = $1`,
      [orderId],
    );
    await one.app.get(IdempotencyService).expire();
    expect(await database.sql('SELECT FROM idempotency_keys WHERE resource_id = $1', [orderId])).toEqual([]);
    // The cart is still being bought, by an order that the job completes.
    expectProblem(await ada.checkout({}, 'a-key'), 409, 'checkout_in_progress');
    expect(await recover()).toBe(1);
    expectProblem(await ada.checkout({}, 'a-key'), 400, 'cart_empty');
    expect(await provider.ledger(orderId)).toMatchObject({ captures: 1 });
  });

  it('is not cut off while its instance lives: the retry is 409 with Retry-After', async () => {
    const { ada, orderId } = await givenCheckout(dropsTheConnection, await givenInstance(0));
    const answer = await ada.checkout({}, 'a-key');
    expectProblem(answer, 409, 'idempotency_in_progress');
    expect(answer.headers['retry-after']).toBe('1');
    expect(await recover()).toBe(0);
    expect(await provider.ledger(orderId)).toMatchObject({ captures: 0 });
    await database.sql('UPDATE payments SET busy_until = now() WHERE order_id = $1', [orderId]);
    await database.sql('UPDATE idempotency_keys SET busy_until = now() WHERE resource_id = $1', [orderId]);
    expect((await ada.checkout({}, 'a-key')).body.status).toBe('COMPLETED');
  });

  it('is finished by the job when nobody retries; a late retry learns the end', async () => {
    const { ada, orderId } = await givenCheckout(dropsTheConnection, crypto.randomUUID());
    expect(await recover()).toBe(1);
    expect((await ada.get(orderId)).body.status).toBe('paid');
    expect(await ada.cart()).toEqual([]);
    const answer = await ada.checkout({}, 'a-key');
    expect([answer.status, answer.body.status, answer.body.order_id]).toEqual([200, 'COMPLETED', orderId]);
    expect(await provider.ledger(orderId)).toMatchObject({ captures: 1 });
  });

  it('is not asked about twice: while the job is at its payment, the retry is 202 PENDING', async () => {
    const { ada, orderId } = await givenCheckout(dropsTheConnection, crypto.randomUUID());
    const job = await givenInstance(0);
    await database.sql('UPDATE payments SET instance_id = $2 WHERE order_id = $1', [orderId, job]);
    const before = provider.asked.length;
    const answer = await ada.checkout({}, 'a-key');
    expect([answer.status, answer.body.status, provider.asked.length]).toEqual([202, 'PENDING', before]);
    await database.sql('UPDATE payments SET busy_until = now() WHERE order_id = $1', [orderId]);
    await recover();
    expect((await ada.checkout({}, 'a-key')).body.status).toBe('COMPLETED');
  });

  it('with a different body is 422, cut off or not', async () => {
    const { ada } = await givenCheckout(dropsTheConnection, crypto.randomUUID());
    expectProblem(await ada.checkout({ expected_total: 25 }, 'a-key'), 422, 'idempotency_key_reused');
    await ada.checkout({}, 'a-key');
  });

  it('is retried by many at once and settled once', async () => {
    const { ada, orderId } = await givenCheckout(actsAndDropsTheConnection, crypto.randomUUID());
    const answers = await times(10, (index) => ada.at(index % 2 ? one : other).checkout({}, 'a-key'));
    for (const { status, body } of answers) {
      if (status !== 200) expect([status, body.code]).toEqual([409, 'idempotency_in_progress']);
    }
    expect((await ada.checkout({}, 'a-key')).body.status).toBe('COMPLETED');
    expect(await eventsOf(orderId)).toEqual(['order.paid', 'order.placed', 'payment.succeeded']);
    expect(await provider.ledger(orderId)).toMatchObject({ captures: 1 });
  });

  it('to pay an order goes on with its attempt', async () => {
    const ada = await givenShopper(one);
    const { id } = await ada.order([{ product_id: await givenProduct(database), quantity: 1 }]);
    provider.mood = actsAndDropsTheConnection;
    const first = await ada.pay(id, {}, 'a-key');
    provider.mood = fine;
    await givenCutOff(id, crypto.randomUUID());
    const answer = await ada.at(other).pay(id, {}, 'a-key');
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({ id: first.body.id, attempt: 1, status: 'succeeded' });
    expect(await provider.ledger(id)).toMatchObject({ captures: 1 });
    expect((await ada.pay(id, {}, 'a-key')).headers['idempotent-replayed']).toBe('true');
  });
});

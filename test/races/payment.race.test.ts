import { randomUUID } from 'node:crypto';
import { RecoveryService } from '../../src/checkout/recovery.service.js';
import { PaymentGateways } from '../../src/payment/gateway/payment-gateways.js';
import { PaymentRepository } from '../../src/payment/payment.repository.js';
import { PaymentService } from '../../src/payment/payment.service.js';
import { times } from '../support/barrier.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import {
  countOf,
  type GivenSandbox,
  givenProduct,
  givenSandbox,
  givenShopper,
  type Shopper,
} from '../support/given-shop.js';
import { expectPromisesKept } from '../support/promises.js';

let sandbox: GivenSandbox;
let database: TestDatabase;
let one: TestApp;
let other: TestApp;
let ada: Shopper;

beforeAll(async () => {
  sandbox = await givenSandbox();
  database = await cloneDatabase();
  [one, other] = await Promise.all([
    bootApp(database, sandbox.settings),
    bootApp(database, sandbox.settings),
  ]);
  ada = await givenShopper(one);
});
afterAll(async () => {
  await Promise.all([one.close(), other.close()]);
  await sandbox.close();
  await database.drop();
});

const givenOrder = async (shopper = ada, where = database): Promise<string> =>
  (await shopper.order([{ product_id: await givenProduct(where), quantity: 1 }])).id;

async function expectChargedOnce(orderId: string): Promise<void> {
  const { captures, payments } = await sandbox.ledger(orderId);
  expect({ captures, keys: payments.map(({ idempotence_key }) => idempotence_key) }).toEqual({
    captures: 1,
    keys: [`order-${orderId}-payment`],
  });
  expect((await ada.get(orderId)).body).toMatchObject({ status: 'paid', payment_status: 'paid' });
  await expectPromisesKept(database);
}

describe('twenty simultaneous payments of one order', () => {
  it('are one charge; one is answered 201 and the others 200 with that very payment', async () => {
    const orderId = await givenOrder();
    const answers = await times(20, (index) => ada.at(index % 2 ? one : other).pay(orderId));
    expect([countOf(answers, 201), countOf(answers, 200)]).toEqual([1, 19]);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    await expectChargedOnce(orderId);
  });

  it('with one key are one charge', async () => {
    const orderId = await givenOrder();
    const answers = await times(20, (index) => ada.at(index % 2 ? one : other).pay(orderId, {}, 'click'));
    expect(countOf(answers, 201)).toBeGreaterThan(0);
    for (const { status, body } of answers) {
      if (status !== 201) expect([status, body.code]).toEqual([409, 'idempotency_in_progress']);
    }
    expect((await ada.pay(orderId, {}, 'click')).status).toBe(201);
    await expectChargedOnce(orderId);
  });

  it('are many declines when each is declined, and one charge when the next is not', async () => {
    const orderId = await givenOrder();
    await times(6, (index) =>
      ada.at(index % 2 ? one : other).pay(orderId, { payment_token: 'tok_declined' }),
    );
    const attempts = await ada.payments(orderId);
    expect(attempts.map(({ attempt }) => attempt)).toEqual(attempts.map((_, index) => index + 1));
    const answers = await times(6, (index) => ada.at(index % 2 ? one : other).pay(orderId));
    expect(countOf(answers, 201)).toBe(1);
    expect(await sandbox.ledger(orderId)).toMatchObject({ captures: 1 });
    await expectPromisesKept(database);
  });
});

describe('with a guard taken away', () => {
  let unguarded: TestDatabase;

  beforeEach(async () => {
    unguarded = await cloneDatabase();
  });
  afterEach(() => unguarded.drop());

  it('one order is charged twice: keys are made up, and no index counts the live attempts', async () => {
    await unguarded.sql('DROP INDEX payments_one_live');
    const app = await bootApp(unguarded, sandbox.settings, (nest) => {
      nest.get(PaymentService).findStanding = async () => null;
      const repository = nest.get(PaymentRepository);
      const insertAttempts = repository.insertAttempts.bind(repository);
      repository.insertAttempts = (rows, ...more) =>
        insertAttempts(
          rows.map((row) => ({ ...row, request: { ...row.request, idempotency_key: randomUUID() } })),
          ...more,
        );
    });
    const bob = await givenShopper(app);
    const orderId = await givenOrder(bob, unguarded);
    await unguarded.sql('DROP INDEX payments_provider_payment');
    await times(2, () => bob.pay(orderId));
    expect(await sandbox.ledger(orderId)).toMatchObject({ captures: 2 });
    await app.close();
  });

  it('a lost answer is charged again: the repeat brings another key', async () => {
    const settings = { ...sandbox.settings, PAYMENT_TIMEOUT_MS: '300' };
    const app = await bootApp(unguarded, settings, (nest) => {
      const gateway = nest.get(PaymentGateways).current;
      const charge = gateway.charge.bind(gateway);
      gateway.charge = (request) => charge({ ...request, idempotency_key: randomUUID() });
    });
    const bob = await givenShopper(app);
    const orderId = await givenOrder(bob, unguarded);
    const answer = await bob.pay(orderId, { payment_token: 'tok_error' });
    expect([answer.status, answer.body.status]).toEqual([202, 'unknown']);
    await app.app.get(RecoveryService).recover();
    expect(await sandbox.ledger(orderId)).toMatchObject({ captures: 2 });
    await app.close();
  });
});

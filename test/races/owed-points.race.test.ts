import { AuditService } from '../../src/audit/audit.service.js';
import { Statement } from '../../src/platform/database/statement.js';
import { type Account, PointsRepository } from '../../src/points/points.repository.js';
import { givenHeldLock, meeting, untilWaiting } from '../support/barrier.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { pointsOf } from '../support/given-benefits.js';
import {
  type Answer,
  givenAdminShopper,
  givenProduct,
  givenShopper,
  type Shopper,
} from '../support/given-shop.js';
import { brokenPromises, expectAuditClean, expectPromisesKept } from '../support/promises.js';

const ROUNDS = 10;
const NOTHING = { balance: 0, booked: 0 };

/** Two instances on a database, and a customer who earns and spends there. Each order has goods of its own. */
class Scene {
  private constructor(
    readonly database: TestDatabase,
    readonly apps: [TestApp, TestApp],
    readonly admin: Shopper,
    readonly ada: Shopper,
  ) {}

  static async open(): Promise<Scene> {
    const database = await cloneDatabase();
    const apps: [TestApp, TestApp] = [await bootApp(database), await bootApp(database)];
    return new Scene(database, apps, await givenAdminShopper(apps[0], database), await givenShopper(apps[0]));
  }

  async close(): Promise<void> {
    await Promise.all(this.apps.map((app) => app.close()));
    await this.database.drop();
  }

  async order(members: object): Promise<string> {
    const product_id = await givenProduct(this.database, { price: 1_000 });
    return (await this.ada.order([{ product_id, quantity: 1 }], members)).id;
  }

  acceptMoney(id: string): Promise<Answer> {
    return this.admin.send('POST', `/admin/orders/${id}/confirm-payment`, { body: {} });
  }

  /** One order that is paid and has earned 1000 points, and one that is pending and has redeemed them. */
  async givenPaidAndPending(): Promise<{ paid: string; pending: string }> {
    const paid = await this.order({ payment_method: 'cod' });
    expect((await this.acceptMoney(paid)).status).toBe(200);
    const pending = await this.order({ redeem_points: 1_000 });
    expect(await pointsOf(this.database, this.ada.id)).toEqual(NOTHING);
    return { paid, pending };
  }

  cancelAt(instance: 0 | 1, id: string): Promise<Answer> {
    return this.ada.at(this.apps[instance]).cancel(id);
  }

  /** Both are at the account before either may go on; `first` has come to it first. */
  async cancelInTurn(first: string, second: string): Promise<Answer[]> {
    const text = 'SELECT FROM points_accounts WHERE user_id = $1 FOR UPDATE';
    const held = await givenHeldLock(this.database, text, [this.ada.id]);
    const answers = [this.cancelAt(0, first)];
    await untilWaiting(this.database, 1);
    answers.push(this.cancelAt(1, second));
    await untilWaiting(this.database, 2);
    await held.release();
    return Promise.all(answers);
  }
}

function expectCancelled(answers: Answer[]): void {
  expect(answers.map(({ body }) => body.status)).toEqual(answers.map(() => 'cancelled'));
}

describe('a paid order that earned points and a pending one that redeemed them, cancelled at the same instant', () => {
  let scene: Scene;

  beforeAll(async () => {
    scene = await Scene.open();
  });
  afterEach(async () => {
    await expectPromisesKept(scene.database);
    await expectAuditClean(scene.apps[0]);
  });
  afterAll(() => scene.close());

  it.each([
    ['paid', 'pending'],
    ['pending', 'paid'],
  ] as const)(
    'leave nothing when the %s one comes to the account before the %s one',
    async (first, second) => {
      for (let round = 0; round < ROUNDS; round++) {
        const orders = await scene.givenPaidAndPending();
        expectCancelled(await scene.cancelInTurn(orders[first], orders[second]));
        expect(await pointsOf(scene.database, scene.ada.id)).toEqual(NOTHING);
      }
    },
  );

  it('leave nothing whoever comes first, also when each is cancelled twice and a third one earns meanwhile', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { paid, pending } = await scene.givenPaidAndPending();
      const third = await scene.order({ payment_method: 'cod' });
      const [accepted, ...cancels] = await Promise.all([
        scene.acceptMoney(third),
        ...[paid, pending].flatMap((id) => [scene.cancelAt(0, id), scene.cancelAt(1, id)]),
      ]);
      expect(accepted.status).toBe(200);
      expectCancelled(cancels);
      expect(await pointsOf(scene.database, scene.ada.id)).toEqual({ balance: 1_000, booked: 1_000 });
      expectCancelled([await scene.cancelAt(0, third)]);
      expect(await pointsOf(scene.database, scene.ada.id)).toEqual(NOTHING);
    }
  });
});

describe('with a guard taken away', () => {
  let scene: Scene;

  beforeEach(async () => {
    scene = await Scene.open();
  });
  afterEach(() => scene.close());

  const repositories = () => scene.apps.map(({ app }) => app.get(PointsRepository));

  async function failedChecks(): Promise<string[]> {
    const { checks } = await scene.apps[0].app.get(AuditService).audit();
    return checks.filter(({ violations }) => violations > 0).map(({ name }) => name);
  }

  it('there are points from nothing: what is spent is not owed', async () => {
    const takeWhatIsThere = new Statement(
      'race-take-what-is-there',
      `WITH entries AS (
         INSERT INTO points_entries (user_id, delta, kind, order_id)
         SELECT e.user_id, -least(e.delta, a.balance), 'taken_back', e.order_id
         FROM points_entries e JOIN points_accounts a USING (user_id) WHERE e.order_id = $1 AND e.kind = 'earned'
         ON CONFLICT ON CONSTRAINT points_entries_once DO NOTHING RETURNING user_id, delta)
       UPDATE points_accounts a SET balance = a.balance + e.delta FROM entries e WHERE a.user_id = e.user_id`,
    );
    for (const repository of repositories())
      repository.takeBackEarned = async (id, tx) => void (await takeWhatIsThere.run([id], tx));
    for (let round = 1; round <= 3; round++) {
      const paid = await scene.order({ payment_method: 'cod' });
      await scene.acceptMoney(paid);
      const pending = await scene.order({ redeem_points: 1_000 * round });
      expectCancelled(await scene.cancelInTurn(paid, pending));
      const balance = 1_000 * round;
      expect(await pointsOf(scene.database, scene.ada.id)).toEqual({ balance, booked: balance });
    }
    expect(await brokenPromises(scene.database)).toEqual([
      'what an order had earned is gone when it comes to nothing',
    ]);
    expect(await failedChecks()).toEqual(['points_are_earned_once']);
  });

  it('one of the two is lost: the account is read first and written then', async () => {
    const read = new Statement<Account & { delta: number }>(
      'race-read-account',
      `SELECT a.user_id, a.balance - a.owed AS balance, -e.delta AS delta
       FROM points_entries e JOIN points_accounts a USING (user_id) WHERE e.order_id = $1 AND e.kind = $2`,
    );
    const write = new Statement(
      'race-write-account',
      `WITH entry AS (
         INSERT INTO points_entries (user_id, delta, kind, order_id) VALUES ($1, $2, $3, $4)
         ON CONFLICT ON CONSTRAINT points_entries_once DO NOTHING RETURNING user_id)
       UPDATE points_accounts a SET balance = greatest($5::bigint, 0), owed = greatest(-$5::bigint, 0)
       FROM entry e WHERE a.user_id = e.user_id`,
    );
    const { paid, pending } = await scene.givenPaidAndPending();
    const bothHaveRead = meeting(2);
    const reverse =
      (kind: string, by: string): PointsRepository['giveBack'] =>
      async (id, tx) => {
        for (const { user_id, balance, delta } of await read.run([id, kind], tx)) {
          await bothHaveRead();
          await write.run([user_id, delta, by, id, balance + delta], tx);
        }
      };
    for (const repository of repositories()) {
      repository.lock = async () => [];
      repository.giveBack = reverse('redeemed', 'returned');
      repository.takeBackEarned = reverse('earned', 'taken_back');
    }
    expectCancelled(await Promise.all([scene.cancelAt(0, paid), scene.cancelAt(1, pending)]));
    expect((await pointsOf(scene.database, scene.ada.id)).booked).toBe(0);
    expect(await brokenPromises(scene.database)).toEqual([
      'a balance of points is what its entries make, and not negative',
    ]);
    expect(await failedChecks()).toEqual(['points_equal_ledger']);
  });
});

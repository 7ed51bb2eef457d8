import { AuditService } from '../../src/audit/audit.service.js';
import { OverdueHoldsRepository } from '../../src/inventory/overdue-holds.repository.js';
import { OverdueHolds } from '../../src/inventory/overdue-holds.service.js';
import { ReservationRepository } from '../../src/inventory/reservation.repository.js';
import { ReservationService } from '../../src/inventory/reservation.service.js';
import { StockRepository } from '../../src/inventory/stock.repository.js';
import { Statement } from '../../src/platform/database/statement.js';
import { type Answer, BY_HAND, Client, newRef, Tables, times } from '../inventory/holds.js';
import { meeting } from '../support/barrier.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { givenApiKey } from '../support/given.js';

/** Who comes first to the hold that both are after. The rollback has always seen it active before. */
type First = 'the other' | 'the rollback' | 'nobody';
type Ender = 'confirmation' | 'release' | 'sweep';

const FIRSTS: First[] = ['the other', 'the rollback', 'nobody'];
const AT_ONCE = 8;
const FIRST_COUNT = 1_000;

/** Holds back whoever waits at it until somebody opens it. */
class Gate {
  open: () => void = () => undefined;
  readonly isOpen = new Promise<void>((resolve) => {
    this.open = resolve;
  });
}

/** How a rollback and the other end of one hold meet. */
class Course {
  private readonly both = meeting(2);
  private readonly seen = new Gate();
  private readonly rolledBack = new Gate();
  private readonly ended = new Gate();

  constructor(private readonly first: First) {}

  /** The rollback has looked at the hold, and is about to end it. */
  async rollbackHasLooked(): Promise<void> {
    this.seen.open();
    if (this.first === 'the other') await this.ended.isOpen;
    if (this.first === 'nobody') await this.both();
  }

  /** The other is about to lock the hold. */
  async otherHasCome(): Promise<void> {
    if (this.first === 'the other') await this.seen.isOpen;
    if (this.first === 'the rollback') await this.rolledBack.isOpen;
    if (this.first === 'nobody') await this.both();
  }

  async rollback(work: () => Promise<Answer>): Promise<Answer> {
    return work().finally(() => this.rolledBack.open());
  }

  async end<T>(work: () => Promise<T>): Promise<T> {
    return work().finally(() => this.ended.open());
  }
}

/** Two processes on one database: in the one holds are rolled back, in the other they end in another way. */
class Warehouse {
  /** By the order's id and by the hold's. */
  private readonly courses = new Map<string, Course>();
  readonly tables: Tables;

  private constructor(
    readonly database: TestDatabase,
    private readonly apps: { rollback: TestApp; other: TestApp },
    private readonly clients: { rollback: Client; other: Client },
  ) {
    this.tables = new Tables(database);
    this.standInTheWay();
  }

  static async open(): Promise<Warehouse> {
    const database = await cloneDatabase();
    const apps = { rollback: await bootApp(database, BY_HAND), other: await bootApp(database, BY_HAND) };
    const { headers } = await givenApiKey(apps.other, 'inventory:write');
    const clients = {
      rollback: new Client(apps.rollback, headers),
      other: new Client(apps.other, headers),
    };
    return new Warehouse(database, apps, clients);
  }

  async close(): Promise<void> {
    await this.apps.rollback.close();
    await this.apps.other.close();
    await this.database.drop();
  }

  private standInTheWay(): void {
    const stock = this.apps.rollback.app.get(StockRepository);
    const { findHold } = stock;
    stock.findHold = async (orderRef, tx) => {
      const hold = await findHold.call(stock, orderRef, tx);
      await this.courses.get(orderRef)?.rollbackHasLooked();
      return hold;
    };
    const holds = this.apps.other.app.get(ReservationRepository);
    const { lock } = holds;
    holds.lock = async (id, tx) => {
      await this.courses.get(id)?.otherHasCome();
      return lock.call(holds, id, tx);
    };
    const overdue = this.apps.other.app.get(OverdueHoldsRepository);
    const { lock: lockOverdue } = overdue;
    overdue.lock = async (ids, whenLocked, tx) => {
      for (const id of ids) await this.courses.get(id)?.otherHasCome();
      return lockOverdue.call(overdue, ids, whenLocked, tx);
    };
    const sweeper = this.apps.other.app.get(OverdueHolds);
    const { endOne } = sweeper;
    sweeper.endOne = async (hold) =>
      (this.courses.get(hold.id) as Course).end(() => endOne.call(sweeper, hold));
  }

  /** The rollback does not hear that somebody else has ended the hold: what it did before it listened. */
  deafen(): void {
    const holds = this.apps.rollback.app.get(ReservationService);
    const { end } = holds;
    holds.end = async (...values) => {
      await end.apply(holds, values);
      return true;
    };
  }

  /** The rollback ends a hold whatever its status. */
  endWhateverItIs(): void {
    const unguarded = new Statement<{ id: string }>(
      'race-rollback-end',
      'UPDATE reservations SET status = $2, reason = $3, ended_at = now() WHERE order_ref = $1 RETURNING id',
    );
    this.apps.rollback.app.get(ReservationRepository).end = async (ref, status, reason, tx) =>
      (await unguarded.first([ref, status, reason], tx))?.id ?? null;
  }

  /** Holds goods for so many orders, and lets each be rolled back while it ends in the other way, all at the same time. */
  async race(ender: Ender, first: First, count: number): Promise<Race> {
    const products = [await this.tables.product(FIRST_COUNT), await this.tables.product(FIRST_COUNT)];
    const items = products.map((product_id, index) => ({ product_id, quantity: 2 + index }));
    const refs = Array.from({ length: count }, newRef);
    const ids = await times(count, async (index) => {
      const { body } = await this.clients.other.reserve({ order_id: refs[index], items });
      return body.id as string;
    });
    const courses = refs.map((ref, index) => {
      const course = new Course(first);
      this.courses.set(ref, course).set(ids[index]!, course);
      return course;
    });
    if (ender === 'sweep') await this.tables.runOut(refs);
    const [rollbacks, ends] = await Promise.all([
      times(count, (index) =>
        courses[index]!.rollback(() =>
          this.clients.rollback.send('POST', '/inventory/rollback', { order_id: refs[index] }),
        ),
      ),
      this.endAll(ender, ids, courses),
    ]);
    return { products, refs, rollbacks, ends };
  }

  private async endAll(ender: Ender, ids: string[], courses: Course[]): Promise<(number | null)[]> {
    if (ender === 'sweep') {
      await this.apps.other.app.get(OverdueHolds).sweep();
      return ids.map(() => null);
    }
    return times(ids.length, (index) =>
      courses[index]!.end(async () => {
        const id = ids[index]!;
        const { other } = this.clients;
        return (await (ender === 'release' ? other.release(id, 'not wanted') : other.confirm(id))).status;
      }),
    );
  }

  /** What the ledger says of an order, oldest first. */
  async ledgerOf(orderRef: string): Promise<string[]> {
    const rows = await this.database.sql(
      `SELECT kind || ' ' || delta AS line FROM stock_movements WHERE order_ref = $1 ORDER BY id`,
      [orderRef],
    );
    return rows.map(({ line }) => line);
  }

  audit() {
    return this.apps.other.app.get(AuditService).audit();
  }
}

interface Race {
  products: number[];
  refs: string[];
  rollbacks: Answer[];
  /** The status of each answer; null for the sweep, which answers nobody. */
  ends: (number | null)[];
}

/** Who has ended the hold, by what the table says. */
function winnerOf({ status, reason }: Record<string, any>): Ender | 'rollback' {
  if (reason === 'rolled back') return 'rollback';
  return { fulfilled: 'confirmation', cancelled: 'release', expired: 'sweep' }[status as string] as Ender;
}

let warehouse: Warehouse;
beforeEach(async () => {
  warehouse = await Warehouse.open();
});
afterEach(async () => {
  await warehouse.close();
});

const stockOf = async ({ products }: Race) =>
  Promise.all(products.map((product) => warehouse.tables.stock(product)));

describe.each<Ender>(['confirmation', 'release', 'sweep'])(
  'a rollback against the %s of its hold',
  (ender) => {
    it('gives the goods back exactly once, whoever comes first, and each is told what is true', async () => {
      const won: Record<string, number> = {};
      for (const first of [...FIRSTS, ...FIRSTS, ...FIRSTS]) {
        const race = await warehouse.race(ender, first, AT_ONCE);
        expect(await stockOf(race)).toEqual([FIRST_COUNT, FIRST_COUNT]);
        for (const [index, ref] of race.refs.entries()) {
          expect(await warehouse.ledgerOf(ref)).toEqual(['taken -2', 'taken -3', 'returned 2', 'returned 3']);
          const winner = winnerOf(await warehouse.tables.hold(ref));
          won[winner] = (won[winner] ?? 0) + 1;
          if (first === 'the other') expect(winner).toBe(ender);
          if (first === 'the rollback') expect(winner).toBe('rollback');

          // What was confirmed is sold, and comes back by the rollback; what has come back already does not come again.
          const already = winner === 'release' || winner === 'sweep';
          const { status, body } = race.rollbacks[index]!;
          expect(status).toBe(200);
          expect(body.results).toMatchObject([
            { restored: already ? 0 : 2, already_rolled_back: already },
            { restored: already ? 0 : 3, already_rolled_back: already },
          ]);
          if (ender === 'confirmation') expect(race.ends[index]).toBe(winner === ender ? 200 : 409);
          if (ender === 'release') expect(race.ends[index]).toBe(200);
          const told = {
            confirmation: [],
            release: ['reservation.released'],
            rollback: ['reservation.released'],
          };
          expect(await warehouse.tables.told(ref)).toEqual(
            winner === 'sweep' ? ['reservation.expired'] : told[winner],
          );
        }
      }
      expect(won[ender]! + won.rollback!).toBe(9 * AT_ONCE);
      expect(await warehouse.audit()).toMatchObject({ consistent: true });
    });
  },
);

describe('(control) a rollback that does not hear that the hold was ended by somebody else', () => {
  it('leaves what was confirmed meanwhile away for ever', async () => {
    warehouse.deafen();
    const race = await warehouse.race('confirmation', 'the other', 1);
    expect(race.rollbacks[0]!.status).toBe(200);
    expect(race.rollbacks[0]!.body.results).toMatchObject([{ restored: null }, { restored: null }]);
    expect(await stockOf(race)).toEqual([FIRST_COUNT - 2, FIRST_COUNT - 3]);
  });

  it.each<Ender>(['release', 'sweep'])('says that it has given back what the %s gave back', async (ender) => {
    warehouse.deafen();
    const race = await warehouse.race(ender, 'the other', 1);
    expect(race.rollbacks[0]!.body.results).toMatchObject([{ restored: 2 }, { restored: 3 }]);
    expect(await stockOf(race)).toEqual([FIRST_COUNT, FIRST_COUNT]);
  });
});

describe.each<Ender>(['release', 'sweep'])('a rollback after the %s has come first', (ender) => {
  const withoutUniqueKey = () => warehouse.database.sql('DROP INDEX stock_movements_once');

  it.each([
    ['gives nothing back by the status of the hold alone', false, true, 0],
    ['gives nothing back by the unique key of the ledger alone', true, false, 0],
    ['(control) gives all back again when both are taken away', true, true, 1],
  ])('%s', async (_, withoutStatus, withoutKey, times) => {
    if (withoutStatus) warehouse.endWhateverItIs();
    if (withoutKey) await withoutUniqueKey();
    const race = await warehouse.race(ender, 'the other', 1);
    expect(await stockOf(race)).toEqual([FIRST_COUNT + 2 * times, FIRST_COUNT + 3 * times]);
    if (times > 0) expect(await warehouse.audit()).toMatchObject({ consistent: false });
  });
});

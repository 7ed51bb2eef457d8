import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../platform/database/database.service.js';
import { Statement, type Tx, unnamed } from '../platform/database/statement.js';
import type { AgeSort } from '../platform/http/list-order.js';
import type { StockChange } from '../product/product.types.js';
import type {
  EnteredMovement,
  GivingBack,
  Goods,
  Movement,
  MovementFilter,
  Taken,
  Taking,
} from './inventory.types.js';

const COLUMNS = 'id, product_id, kind, delta, stock_after, order_ref, reason, notes, created_at';

// A lock on a name: another system's order has no row of its own that could be locked.
const lockOrder = new Statement(
  'ledger-lock-order',
  `SELECT pg_advisory_xact_lock(hashtextextended('inventory ' || $1, 0))`,
);

const insertTakings = new Statement(
  'ledger-insert-takings',
  `INSERT INTO stock_movements (product_id, kind, delta, stock_after, order_ref)
   SELECT product_id, 'taken', -quantity, stock_after, order_ref
   FROM unnest($1::int[], $2::int[], $3::int[], $4::text[]) AS t(product_id, quantity, stock_after, order_ref)`,
);

// An order takes its goods in one round; only one that is revived takes them again, in the next. The newest is the one that
// can still come back.
const newestRound = (orderRef: string) =>
  `(SELECT max(round) FROM stock_movements WHERE order_ref = ${orderRef} AND kind = 'taken')`;

// In the order in which it was taken.
const findTaken = new Statement<Taken>(
  'ledger-find-taken',
  `SELECT t.product_id, -t.delta AS quantity, t.stock_after, b.delta AS returned, b.stock_after AS returned_stock_after
   FROM stock_movements t
   LEFT JOIN stock_movements b
     ON b.order_ref = t.order_ref AND b.product_id = t.product_id AND b.kind = 'returned' AND b.round = t.round
   WHERE t.order_ref = $1 AND t.kind = 'taken' AND t.round = ${newestRound('$1')} ORDER BY t.id`,
);

const insertTakenAgain = new Statement<StockChange>(
  'ledger-insert-taken-again',
  `INSERT INTO stock_movements (product_id, kind, delta, stock_after, order_ref, round)
   SELECT t.product_id, 'taken', t.delta, p.stock + t.delta, t.order_ref, t.round + 1
   FROM stock_movements t JOIN products p ON p.id = t.product_id
   WHERE t.order_ref = $1 AND t.kind = 'taken' AND t.round = ${newestRound('$1')} ORDER BY t.id
   RETURNING product_id, delta`,
);

// What was taken is read from the ledger, never from the caller. The unique key (order_ref, product_id, kind, round) makes
// a second return of the same goods insert nothing, so that nothing is added to the stock either.
const insertReturns = new Statement<{ product_id: number; delta: number; stock_after: number }>(
  'ledger-insert-returns',
  `INSERT INTO stock_movements (product_id, kind, delta, stock_after, order_ref, reason, round)
   SELECT t.product_id, 'returned', back.quantity, p.stock + back.quantity, t.order_ref, $2, t.round
   FROM unnest($3::int[], $4::int[]) WITH ORDINALITY AS wanted(product_id, quantity, position)
   JOIN stock_movements t ON t.order_ref = $1 AND t.product_id = wanted.product_id AND t.kind = 'taken'
     AND t.round = ${newestRound('$1')}
   JOIN products p ON p.id = t.product_id,
   LATERAL (SELECT least(-t.delta, wanted.quantity) AS quantity) back
   ORDER BY wanted.position
   ON CONFLICT DO NOTHING
   RETURNING product_id, delta, stock_after`,
);

// Each return of an order's goods is a round of its own: a product may come back in parts.
const insertRestocked = new Statement<StockChange>(
  'ledger-insert-restocked',
  `INSERT INTO stock_movements (product_id, kind, delta, stock_after, order_ref, reason, round)
   SELECT p.id, 'restocked', r.quantity, p.stock + r.quantity, $1, $2, $3
   FROM unnest($4::int[], $5::int[]) AS r(product_id, quantity) JOIN products p ON p.id = r.product_id
   ORDER BY p.id
   RETURNING product_id, delta`,
);

const insertEntered = new Statement<Movement>(
  'ledger-insert-entered',
  `INSERT INTO stock_movements (product_id, kind, delta, stock_after, reason, notes)
   SELECT product_id, kind, delta, stock_after, $5, $6
   FROM unnest($1::int[], $2::text[], $3::int[], $4::int[]) AS m(product_id, kind, delta, stock_after)
   RETURNING ${COLUMNS}`,
);

const rememberRollback = new Statement(
  'ledger-remember-rollback',
  `INSERT INTO inventory_rollbacks (order_ref, product_id) SELECT $1, product_id FROM unnest($2::int[]) AS p(product_id)
   ON CONFLICT DO NOTHING`,
);

const findRollback = new Statement<{ order_ref: string }>(
  'ledger-find-rollback',
  `SELECT order_ref FROM inventory_rollbacks
   WHERE order_ref = $1 AND (product_id IS NULL OR product_id = ANY($2::int[])) LIMIT 1`,
);

/**
 * All SQL of the tables `stock_movements`, the ledger, whose rows are added and never changed, and `inventory_rollbacks`.
 */
@Injectable()
export class LedgerRepository {
  constructor(private readonly database: DatabaseService) {}

  async lockOrder(orderRef: string, tx: Tx): Promise<void> {
    await lockOrder.run([orderRef], tx);
  }

  async insertTakings(takings: Taking[], tx: Tx): Promise<void> {
    await insertTakings.run(
      [
        takings.map(({ product_id }) => product_id),
        takings.map(({ quantity }) => quantity),
        takings.map(({ stock_after }) => stock_after),
        takings.map(({ order_ref }) => order_ref),
      ],
      tx,
    );
  }

  async findTaken(orderRef: string, tx: Tx): Promise<Taken[]> {
    return findTaken.run([orderRef], tx);
  }

  /** The next round of what an order has taken. @returns what was taken. */
  async insertTakenAgain(orderRef: string, tx: Tx): Promise<StockChange[]> {
    return insertTakenAgain.run([orderRef], tx);
  }

  async insertRestocked(
    orderRef: string,
    round: number,
    goods: Goods[],
    reason: string,
    tx: Tx,
  ): Promise<StockChange[]> {
    const ids = goods.map(({ product_id }) => product_id);
    const quantities = goods.map(({ quantity }) => quantity);
    return insertRestocked.run([orderRef, reason, round, ids, quantities], tx);
  }

  /** @returns what was inserted now: nothing for what had come back before, or was never taken. */
  async insertReturns(
    orderRef: string,
    wanted: GivingBack[],
    reason: string,
    tx: Tx,
  ): Promise<{ product_id: number; delta: number; stock_after: number }[]> {
    const ids = wanted.map(({ product_id }) => product_id);
    const quantities = wanted.map(({ quantity }) => quantity);
    return insertReturns.run([orderRef, reason, ids, quantities], tx);
  }

  async insertEntered(
    movements: EnteredMovement[],
    reason: string | null,
    notes: string | null,
    tx: Tx,
  ): Promise<Movement[]> {
    return insertEntered.run(
      [
        movements.map(({ product_id }) => product_id),
        movements.map(({ kind }) => kind),
        movements.map(({ delta }) => delta),
        movements.map(({ stock_after }) => stock_after),
        reason,
        notes,
      ],
      tx,
    );
  }

  /** With null for a product: of all products. */
  async rememberRollback(orderRef: string, productIds: (number | null)[], tx: Tx): Promise<void> {
    await rememberRollback.run([orderRef, productIds], tx);
  }

  async hasRollback(orderRef: string, productIds: number[], tx: Tx): Promise<boolean> {
    return (await findRollback.first([orderRef, productIds], tx)) !== null;
  }

  /** In the sort's order, from beyond the id `after`. */
  async list(
    filter: MovementFilter,
    sort: AgeSort,
    after: number | null,
    limit: number,
  ): Promise<Movement[]> {
    const values: unknown[] = [];
    const conditions = conditionsOf(filter, values);
    const [beyond, direction] = sort === 'newest' ? ['<', 'DESC'] : ['>', 'ASC'];
    if (after !== null) conditions.push(`id ${beyond} $${values.push(after)}::bigint`);
    const text = `SELECT ${COLUMNS} FROM stock_movements WHERE ${conditions.join(' AND ')}
      ORDER BY id ${direction} LIMIT $${values.push(limit)}`;
    return this.database.read(unnamed<Movement>(text), values);
  }

  async count(filter: MovementFilter): Promise<number> {
    const values: unknown[] = [];
    const text = `SELECT count(*) AS total FROM stock_movements WHERE ${conditionsOf(filter, values).join(' AND ')}`;
    return (await this.database.readFirst(unnamed<{ total: number }>(text), values))?.total ?? 0;
  }
}

/** Only fixed texts and placeholders: whatever a client has sent is put into `values`. */
function conditionsOf(filter: MovementFilter, values: unknown[]): string[] {
  const { product_id, order_ref, kind, from, to } = filter;
  const conditions = ['true'];
  if (product_id !== undefined) conditions.push(`product_id = $${values.push(product_id)}`);
  if (order_ref !== undefined) conditions.push(`order_ref = $${values.push(order_ref)}`);
  if (kind !== undefined) conditions.push(`kind = $${values.push(kind)}`);
  if (from !== undefined) conditions.push(`created_at >= $${values.push(from)}`);
  if (to !== undefined) conditions.push(`created_at < $${values.push(to)}`);
  return conditions;
}

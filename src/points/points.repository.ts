import { Injectable } from '@nestjs/common';
import { plainArray } from '../platform/database/arrays.js';
import { DatabaseService } from '../platform/database/database.service.js';
import { Statement, type Tx } from '../platform/database/statement.js';
import type { PointsEntry, Redemption, Standing } from './points.types.js';

export interface Account {
  user_id: number;
  balance: number;
}

const findStanding = new Statement<Standing>(
  'points-find-standing',
  'SELECT balance, owed FROM points_accounts WHERE user_id = $1',
);

const list = new Statement<PointsEntry>(
  'points-list',
  `SELECT id, delta, kind, order_id, reason, created_at FROM points_entries
   WHERE user_id = $1 AND ($2::bigint IS NULL OR id < $2) ORDER BY id DESC LIMIT $3`,
);
const count = new Statement<{ total: number }>(
  'points-count',
  'SELECT count(*) AS total FROM points_entries WHERE user_id = $1',
);

// In the order of users, like products. NO KEY UPDATE: the foreign key of entries needs KEY SHARE only.
const LOCK = `
  SELECT user_id, balance FROM points_accounts a
  WHERE user_id IN (SELECT unnest($1::int[]) UNION ALL SELECT user_id FROM points_entries WHERE order_id = ANY($2::uuid[]))
  ORDER BY user_id FOR NO KEY UPDATE OF a`;
const lock = new Statement<Account>('points-lock', LOCK);
const lockFree = new Statement<Account>('points-lock-free', `${LOCK} SKIP LOCKED`);

const existing = new Statement<{ user_id: number }>(
  'points-existing',
  'SELECT user_id FROM points_accounts WHERE user_id = ANY($1::int[])',
);

// What the ledger has really taken up is what an account changes by: a repeat meets the unique key and adds nothing.
const BOOKED =
  'FROM (SELECT user_id, sum(delta) AS delta FROM entries GROUP BY user_id) e WHERE a.user_id = e.user_id';

// Who spends must have it: the balance would come below 0, and its CHECK undoes that.
const SPEND = `UPDATE points_accounts a SET balance = a.balance + e.delta ${BOOKED}`;

// What comes in settles what is owed, and what is taken back and not there is owed. Only the difference of the two changes, by
// as much, so it does not matter what comes first; and it is read from the row that is written, whoever has written it last.
const standingAfter = (delta: string) =>
  `balance = greatest(a.balance - a.owed + ${delta}, 0), owed = greatest(a.owed - a.balance - ${delta}, 0)`;
const BOOK = `UPDATE points_accounts a SET ${standingAfter('e.delta')} ${BOOKED}`;

const redeem = new Statement(
  'points-redeem',
  `WITH entries AS (
     INSERT INTO points_entries (user_id, delta, kind, order_id)
     SELECT user_id, -points, 'redeemed', order_id
     FROM unnest($1::uuid[], $2::int[], $3::bigint[]) AS r(order_id, user_id, points)
     RETURNING user_id, delta)
   ${SPEND}`,
);

const giveBack = new Statement(
  'points-give-back',
  `WITH entries AS (
     INSERT INTO points_entries (user_id, delta, kind, order_id, round)
     SELECT user_id, -delta, 'returned', order_id, round FROM points_entries
     WHERE order_id = $1 AND kind = 'redeemed' ORDER BY round DESC LIMIT 1
     ON CONFLICT ON CONSTRAINT points_entries_once DO NOTHING
     RETURNING user_id, delta)
   ${BOOK}`,
);

const findRedeemed = new Statement<{ points: number; returned: boolean; balance: number }>(
  'points-find-redeemed',
  `SELECT -e.delta AS points, a.balance,
          EXISTS (SELECT FROM points_entries r
                  WHERE r.order_id = e.order_id AND r.kind = 'returned' AND r.round = e.round) AS returned
   FROM points_entries e JOIN points_accounts a USING (user_id)
   WHERE e.order_id = $1 AND e.kind = 'redeemed' ORDER BY e.round DESC LIMIT 1`,
);

const redeemAgain = new Statement(
  'points-redeem-again',
  `WITH entries AS (
     INSERT INTO points_entries (user_id, delta, kind, order_id, round)
     SELECT user_id, delta, 'redeemed', order_id, round + 1 FROM points_entries
     WHERE order_id = $1 AND kind = 'redeemed' ORDER BY round DESC LIMIT 1
     RETURNING user_id, delta)
   ${SPEND}`,
);

// A guest has no account. The entry's foreign key looks for the account when the whole statement is done.
const earn = new Statement(
  'points-earn',
  `WITH entries AS (
     INSERT INTO points_entries (user_id, delta, kind, order_id)
     SELECT id, $3::bigint, 'earned', $2::uuid FROM users WHERE id = $1 AND role <> 'guest'
     ON CONFLICT ON CONSTRAINT points_entries_once DO NOTHING
     RETURNING user_id, delta)
   INSERT INTO points_accounts AS a (user_id, balance) SELECT user_id, delta FROM entries
   ON CONFLICT (user_id) DO UPDATE SET ${standingAfter('EXCLUDED.balance')}`,
);

// All of it, spent or not: what was let off here, and came back from another order, would be points from nothing.
const takeBackEarned = new Statement(
  'points-take-back-earned',
  `WITH entries AS (
     INSERT INTO points_entries (user_id, delta, kind, order_id, reason)
     SELECT e.user_id, -e.delta, 'taken_back', e.order_id,
            CASE WHEN a.balance < e.delta
                 THEN format('%s of %s were spent, and are owed', e.delta - a.balance, e.delta) END
     FROM points_entries e JOIN points_accounts a USING (user_id) WHERE e.order_id = $1 AND e.kind = 'earned'
     ON CONFLICT ON CONSTRAINT points_entries_once DO NOTHING
     RETURNING user_id, delta)
   ${BOOK}`,
);

/** All SQL and all locks of the tables `points_accounts` and `points_entries`. */
@Injectable()
export class PointsRepository {
  constructor(private readonly database: DatabaseService) {}

  async findStanding(userId: number): Promise<Standing> {
    return (await this.database.readFirst(findStanding, [userId])) ?? { balance: 0, owed: 0 };
  }

  /** Newest first, from below the id `before`. */
  async list(userId: number, before: number | null, limit: number): Promise<PointsEntry[]> {
    return this.database.read(list, [userId, before, limit]);
  }

  async count(userId: number): Promise<number> {
    return (await this.database.readFirst(count, [userId]))?.total ?? 0;
  }

  /** Locks the accounts of these users and those that these orders have entries of, all by ascending user id. */
  async lock(userIds: number[], orderIds: string[], tx: Tx): Promise<Account[]> {
    return lock.run([plainArray(userIds), plainArray(orderIds)], tx);
  }

  /** `lock` without waiting: those that somebody else has locked are left out. */
  async lockFree(userIds: number[], tx: Tx): Promise<Account[]> {
    return lockFree.run([plainArray(userIds), plainArray([])], tx);
  }

  /** Which of these users have an account, locked or not. */
  async existing(userIds: number[], tx: Tx): Promise<number[]> {
    return (await existing.run([plainArray(userIds)], tx)).map(({ user_id }) => user_id);
  }

  /** The accounts must be locked, and hold as much. */
  async redeem(redemptions: Redemption[], tx: Tx): Promise<void> {
    await redeem.run(
      [
        plainArray(redemptions.map(({ order_id }) => order_id)),
        plainArray(redemptions.map(({ user_id }) => user_id)),
        plainArray(redemptions.map(({ points }) => points)),
      ],
      tx,
    );
  }

  async giveBack(orderId: string, tx: Tx): Promise<void> {
    await giveBack.run([orderId], tx);
  }

  /** What the order has redeemed last, whether that was returned, and what its account holds; null when it never did. */
  async findRedeemed(
    orderId: string,
    tx: Tx,
  ): Promise<{ points: number; returned: boolean; balance: number } | null> {
    return findRedeemed.first([orderId], tx);
  }

  /** In a new round. The account must be locked, and hold as much. */
  async redeemAgain(orderId: string, tx: Tx): Promise<void> {
    await redeemAgain.run([orderId], tx);
  }

  async earn(userId: number, orderId: string, points: number, tx: Tx): Promise<void> {
    await earn.run([userId, orderId, points], tx);
  }

  /** The account must be locked, or the reason may name a number that it had before. */
  async takeBackEarned(orderId: string, tx: Tx): Promise<void> {
    await takeBackEarned.run([orderId], tx);
  }
}

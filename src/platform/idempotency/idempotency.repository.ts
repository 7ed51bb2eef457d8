import { Injectable } from '@nestjs/common';
import { jsonTexts, plainArray, splitTexts } from '../database/arrays.js';
import { DatabaseService } from '../database/database.service.js';
import { isAlive } from '../database/instance.service.js';
import { Statement, type Tx } from '../database/statement.js';
import type { Claim } from './claim.js';

/** What an earlier call with the same scope has left. */
export interface ClaimRow {
  scope: string;
  body_hash: Buffer;
  /** The status of the first answer; null while the call is under way or was cut off. */
  status: number | null;
  response: string | null;
  /** What the call is about, when it outlives its first transaction: the order of a checkout. */
  resource_id: string | null;
  /** The instance that runs the call is alive and within its time. */
  busy: boolean;
  /** It was answered, and its time is over: it counts no more, and is there only because nobody has removed it yet. */
  over: boolean;
}

// By the age of the answer, and never before there is one: what is under way, or was cut off, has begun something that a repeat
// must find; and who has finished it late must find that again, too.
const isOver = (ttlSeconds: string) =>
  `(k.status IS NOT NULL AND k.finished_at < now() - ${ttlSeconds} * interval '1 second')`;

// Taken before anything else in the lock order. Tried, never waited for: whoever does not get it is answered 409 at once.
const tryLock = new Statement<{ scope: string }>(
  'idempotency-try-lock',
  `SELECT c.scope FROM unnest($1::text[]) AS c(scope)
   WHERE pg_try_advisory_xact_lock(hashtextextended(c.scope, 0))`,
);

// After the lock and not in the same statement: a statement's snapshot is older than the locks that it takes.
const find = new Statement<ClaimRow>(
  'idempotency-find',
  `SELECT k.scope, k.body_hash, k.status, k.response, k.resource_id,
          k.status IS NULL AND k.busy_until > now() AND ${isAlive('k.instance_id')} AS busy,
          ${isOver('$2')} AS over
   FROM idempotency_keys k WHERE k.scope = ANY($1::text[])`,
);

const exists = new Statement(
  'idempotency-exists',
  `SELECT 1 AS one FROM idempotency_keys k WHERE k.scope = $1 AND NOT ${isOver('$2')}`,
);

const removeOver = new Statement(
  'idempotency-remove-over',
  `DELETE FROM idempotency_keys k WHERE k.scope = ANY($1::text[]) AND ${isOver('$2')}`,
);

const insertFinished = new Statement(
  'idempotency-insert-finished',
  `INSERT INTO idempotency_keys (scope, body_hash, status, response, finished_at)
   SELECT scope, body_hash, status, response, now()
   FROM unnest($1::text[], $2::bytea[], $3::int[], ${splitTexts('$4')})
     AS c(scope, body_hash, status, response)`,
);

const insertBusy = new Statement(
  'idempotency-insert-busy',
  `INSERT INTO idempotency_keys (scope, body_hash, resource_id, instance_id, busy_until)
   SELECT scope, body_hash, resource_id, $4, now() + $5 * interval '1 millisecond'
   FROM unnest($1::text[], $2::bytea[], $3::uuid[]) AS c(scope, body_hash, resource_id)`,
);

const takeOver = new Statement(
  'idempotency-take-over',
  `UPDATE idempotency_keys SET instance_id = $2, busy_until = now() + $3 * interval '1 millisecond' WHERE scope = $1`,
);

const finish = new Statement(
  'idempotency-finish',
  `UPDATE idempotency_keys SET status = $2, response = $3, finished_at = now(), busy_until = NULL
   WHERE scope = $1 AND status IS NULL`,
);

// What was never answered is kept for as long again after its call had to be done: a repeat goes on with it until then.
const expire = new Statement<{ scope: string }>(
  'idempotency-expire',
  `DELETE FROM idempotency_keys WHERE scope IN (
     SELECT k.scope FROM idempotency_keys k
     WHERE k.created_at < now() - $1 * interval '1 second'
       AND (${isOver('$1')} OR k.status IS NULL AND k.busy_until < now() - $1 * interval '1 second')
     ORDER BY k.created_at LIMIT $2 FOR UPDATE SKIP LOCKED)
   RETURNING scope`,
);

// All scopes of one caller begin with the id and a space; `!` comes after the space. The column is compared byte by byte, so
// this is one range of the primary key.
const handOver = new Statement(
  'idempotency-hand-over',
  `WITH theirs AS (
     DELETE FROM idempotency_keys WHERE scope >= $1 || ' ' AND scope < $1 || '!' RETURNING *)
   INSERT INTO idempotency_keys (scope, body_hash, status, response, resource_id, instance_id, busy_until, created_at, finished_at)
   SELECT $2 || substr(scope, length($1) + 1), body_hash, status, response, resource_id, instance_id, busy_until, created_at, finished_at
   FROM theirs
   ON CONFLICT (scope) DO NOTHING`,
);

export interface FinishedClaim {
  claim: Claim;
  status: number;
  response: string;
}

/** All SQL of the table `idempotency_keys`. */
@Injectable()
export class IdempotencyRepository {
  constructor(private readonly database: DatabaseService) {}

  /** Whether there is a claim that is not over. */
  async exists(scope: string, ttlSeconds: number): Promise<boolean> {
    return (await this.database.readFirst(exists, [scope, ttlSeconds])) !== null;
  }

  /** Locks what nobody else is at. @returns the scopes that are ours until the transaction ends. */
  async tryLock(scopes: string[], tx: Tx): Promise<Set<string>> {
    return new Set((await tryLock.run([scopes], tx)).map(({ scope }) => scope));
  }

  async find(scopes: string[], ttlSeconds: number, tx: Tx): Promise<Map<string, ClaimRow>> {
    return new Map((await find.run([scopes, ttlSeconds], tx)).map((row) => [row.scope, row]));
  }

  /** What is committed now. Nothing holds it: it may be another the next moment. */
  async findNow(scope: string, ttlSeconds: number): Promise<ClaimRow | null> {
    return this.database.readFirst(find, [[scope], ttlSeconds]);
  }

  /** Makes room for new claims in place of those that are over. They must be locked in `tx`. */
  async removeOver(scopes: string[], ttlSeconds: number, tx: Tx): Promise<void> {
    await removeOver.run([scopes, ttlSeconds], tx);
  }

  async insertFinished(claims: FinishedClaim[], tx: Tx): Promise<void> {
    await insertFinished.run(
      [
        claims.map(({ claim }) => claim.scope),
        claims.map(({ claim }) => claim.bodyHash),
        plainArray(claims.map(({ status }) => status)),
        jsonTexts(claims.map(({ response }) => response)),
      ],
      tx,
    );
  }

  async insertBusy(
    claims: { claim: Claim; resourceId: string }[],
    instanceId: string,
    busyMs: number,
    tx: Tx,
  ): Promise<void> {
    await insertBusy.run(
      [
        claims.map(({ claim }) => claim.scope),
        claims.map(({ claim }) => claim.bodyHash),
        claims.map(({ resourceId }) => resourceId),
        instanceId,
        busyMs,
      ],
      tx,
    );
  }

  async takeOver(scope: string, instanceId: string, busyMs: number, tx: Tx): Promise<void> {
    await takeOver.run([scope, instanceId, busyMs], tx);
  }

  async finish(scope: string, status: number, response: string, tx: Tx): Promise<void> {
    await finish.run([scope, status, response], tx);
  }

  async handOver(fromUserId: number, toUserId: number, tx: Tx): Promise<void> {
    await handOver.run([String(fromUserId), String(toUserId)], tx);
  }

  /** Removes up to `limit` claims older than their time. @returns how many. */
  async expire(ttlSeconds: number, limit: number, tx: Tx): Promise<number> {
    return (await expire.run([ttlSeconds, limit], tx)).length;
  }
}

import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Config } from '../config/config.js';
import { DatabaseService } from '../database/database.service.js';
import { inOneFlight } from '../database/flight.js';
import { InstanceService } from '../database/instance.service.js';
import type { Tx } from '../database/statement.js';
import { DomainError } from '../errors.js';
import { Answer } from '../http/answer.js';
import { Recurring } from '../recurring.js';
import { AnswerSeal } from './answer-seal.js';
import type { Claim } from './claim.js';
import { IdempotencyInProgress, IdempotencyKeyReused } from './idempotency.errors.js';
import { type ClaimRow, type FinishedClaim, IdempotencyRepository } from './idempotency.repository.js';

/** What becomes of a claim: run it, answer what was answered, refuse it, or go on where a dead process stopped. */
export type ClaimState = { kind: 'fresh' } | RepeatState;
/** What becomes of a claim that an earlier call has made, or is making. */
export type RepeatState =
  | { kind: 'finished'; answer: Answer<unknown>; resourceId: string | null }
  | { kind: 'refused'; error: DomainError }
  | { kind: 'cut_off'; resourceId: string | null };

const EXPIRE_INTERVAL_MS = 60_000;
const EXPIRE_BATCH = 1_000;

/**
 * The same key gives the same answer.
 *
 * A claim is written in the transaction of the effect that it stands for, so there is never one without the other.
 * While a transaction is at a claim it holds an advisory lock on it; whoever comes second is told so and never waits.
 * Once it was answered, a claim counts for `IDEMPOTENCY_TTL_SECONDS` from its first call, by the database's clock: then it is
 * as if it was not there, whether it was removed yet or not.
 */
@Injectable()
export class IdempotencyService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  /** What `alone` is at, by its scope. */
  private readonly underWay = new Map<string, Claim>();
  private readonly ttlSeconds: number;
  private readonly sweep = new Recurring('idempotency key expiry', EXPIRE_INTERVAL_MS, (stopping) =>
    this.expire(stopping),
  );

  constructor(
    private readonly database: DatabaseService,
    private readonly repository: IdempotencyRepository,
    private readonly instance: InstanceService,
    private readonly answerSeal: AnswerSeal,
    config: Config,
  ) {
    this.ttlSeconds = config.env.IDEMPOTENCY_TTL_SECONDS;
  }

  onApplicationBootstrap(): void {
    this.sweep.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.sweep.stop();
  }

  /**
   * Does `work` once for the claim, in one transaction with it; without a claim, simply in a transaction.
   * Only what `work` returns is stored: when it throws, the claim is free again.
   * @throws IdempotencyInProgress, IdempotencyKeyReused
   */
  async once<T>(claim: Claim | null, status: number, work: (tx: Tx) => Promise<T>): Promise<Answer<T>> {
    return this.doOnce(claim, status, work, JSON.stringify);
  }

  /** `once`, for an answer that shows a secret: it is stored sealed. @throws AnswerLost as well */
  async onceSealed<T>(claim: Claim | null, status: number, work: (tx: Tx) => Promise<T>): Promise<Answer<T>> {
    const scope = claim?.scope ?? '';
    return this.doOnce(claim, status, work, (body) => this.answerSeal.seal(JSON.stringify(body), scope));
  }

  private async doOnce<T>(
    claim: Claim | null,
    status: number,
    work: (tx: Tx) => Promise<T>,
    stored: (body: T) => string,
  ): Promise<Answer<T>> {
    return this.database.transaction(async (tx) => {
      if (claim === null) return new Answer(status, await work(tx));
      const state = await this.lock(claim, tx);
      if (state.kind === 'refused') throw state.error;
      if (state.kind === 'finished') return state.answer as Answer<T>;
      const body = await work(tx);
      await this.finishAll([{ claim, status, response: stored(body) }], tx);
      return new Answer(status, body);
    });
  }

  /**
   * Does `work` for the claim, unless this process is at it already: whoever comes second is told so at once, also while the
   * first still waits for its turn. `lock` would tell them only when their own turn has come.
   */
  async alone<T>(
    claim: Claim | null,
    work: () => Promise<T>,
    toRepeat: (state: RepeatState) => T,
  ): Promise<T> {
    if (claim === null) return work();
    const first = this.underWay.get(claim.scope);
    if (first) return toRepeat(await this.stateBeside(first, claim));
    this.underWay.set(claim.scope, claim);
    try {
      return await work();
    } finally {
      this.underWay.delete(claim.scope);
    }
  }

  // The first may be a repeat itself, so the row goes before what the first wants. Nothing is locked: to the first, which
  // only tries its lock, that would be somebody else at its claim.
  private async stateBeside(first: Claim, claim: Claim): Promise<RepeatState> {
    const row = await this.repository.findNow(claim.scope, this.ttlSeconds);
    return this.stateOf(claim, row === null || row.over ? rowOf(first) : row, false);
  }

  /** Whether an earlier call has left this claim. Only a hint: `lock` decides. */
  async isKnown(claim: Claim): Promise<boolean> {
    return this.repository.exists(claim.scope, this.ttlSeconds);
  }

  /** Locks one claim until `tx` ends and says what is to become of it. */
  async lock(claim: Claim, tx: Tx): Promise<ClaimState> {
    const states = await this.lockAll([claim], tx);
    return states.get(claim.scope) as ClaimState;
  }

  /** `lock` for many claims of different scopes, in two statements; a third when the time of some is over. */
  async lockAll(claims: Claim[], tx: Tx): Promise<Map<string, ClaimState>> {
    if (claims.length === 0) return new Map();
    const scopes = claims.map(({ scope }) => scope);
    const [ours, rows] = await inOneFlight([
      this.repository.tryLock(scopes, tx),
      this.repository.find(scopes, this.ttlSeconds, tx),
    ]);
    const over = scopes.filter((scope) => ours.has(scope) && rows.get(scope)?.over);
    if (over.length > 0) await this.repository.removeOver(over, this.ttlSeconds, tx);
    const stateOf = (claim: Claim): ClaimState => {
      const [row, isOurs] = [rows.get(claim.scope), ours.has(claim.scope)];
      if (row && !row.over) return this.stateOf(claim, row, isOurs);
      return isOurs ? { kind: 'fresh' } : refusedBy(new IdempotencyInProgress());
    };
    return new Map(claims.map((claim) => [claim.scope, stateOf(claim)]));
  }

  /** Stores the answers of calls that end in `tx`. */
  async finishAll(claims: FinishedClaim[], tx: Tx): Promise<void> {
    if (claims.length > 0) await this.repository.insertFinished(claims, tx);
  }

  /** Notes calls that go on after `tx`, each about its resource, for at most `busyMs` on this instance. */
  async beginAll(claims: { claim: Claim; resourceId: string }[], busyMs: number, tx: Tx): Promise<void> {
    if (claims.length > 0) await this.repository.insertBusy(claims, this.instance.id, busyMs, tx);
  }

  /** Makes a cut-off call ours, for at most `busyMs`. The claim must be locked in `tx`. */
  async takeOver(claim: Claim, busyMs: number, tx: Tx): Promise<void> {
    await this.repository.takeOver(claim.scope, this.instance.id, busyMs, tx);
  }

  /** Stores the answer of a call that was begun in an earlier transaction. A second answer changes nothing. */
  async finish(claim: Claim, status: number, response: string, tx: Tx): Promise<void> {
    await this.repository.finish(claim.scope, status, response, tx);
  }

  /**
   * The claims of one user become another's, who has taken their place: a repeat is answered the same. Where both have used a
   * key for the same thing, the second keeps their own. A call that is under way now finishes a claim that is not there any
   * more; a repeat then finds it cut off, and goes on where it has come to.
   */
  async handOver(fromUserId: number, toUserId: number, tx: Tx): Promise<void> {
    await this.repository.handOver(fromUserId, toUserId, tx);
  }

  /**
   * Removes claims older than `IDEMPOTENCY_TTL_SECONDS`, which count no more. Idempotent; instances share the work.
   * @returns how many.
   */
  async expire(stopping?: AbortSignal): Promise<number> {
    let total = 0;
    for (;;) {
      const removed = await this.database.transaction((tx) =>
        this.repository.expire(this.ttlSeconds, EXPIRE_BATCH, tx),
      );
      total += removed;
      if (removed < EXPIRE_BATCH || stopping?.aborted) return total;
    }
  }

  private stateOf({ scope, bodyHash }: Claim, row: ClaimRow, isOurs: boolean): RepeatState {
    const { status, response, resource_id: resourceId } = row;
    if (!row.body_hash.equals(bodyHash)) return refusedBy(new IdempotencyKeyReused());
    // Whoever is at a claim that is answered can only repeat the answer, too.
    if (status === null && (row.busy || !isOurs)) return refusedBy(new IdempotencyInProgress());
    if (status === null) return { kind: 'cut_off', resourceId };
    try {
      const body = JSON.parse(this.answerSeal.open(response ?? 'null', scope));
      return { kind: 'finished', answer: new Answer(status, body, true), resourceId };
    } catch (error) {
      if (error instanceof DomainError) return refusedBy(error);
      throw error;
    }
  }
}

const refusedBy = (error: DomainError): RepeatState => ({ kind: 'refused', error });

/** What a call would leave if it ended its first transaction now, and went on. */
const rowOf = ({ scope, bodyHash }: Claim): ClaimRow => ({
  scope,
  body_hash: bodyHash,
  status: null,
  response: null,
  resource_id: null,
  busy: true,
  over: false,
});

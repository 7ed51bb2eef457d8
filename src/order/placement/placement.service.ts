import { Injectable } from '@nestjs/common';
import { InsufficientStock } from '../../inventory/inventory.errors.js';
import type { Goods, LockNext } from '../../inventory/inventory.types.js';
import { goodsAreBusy, OverdueHolds, Rounds, shortOf } from '../../inventory/overdue-holds.service.js';
import {
  outcomeOfError,
  type RequestOutcome,
  ReservationRequests,
} from '../../inventory/reservation-requests.service.js';
import { Config } from '../../platform/config/config.js';
import { isBusy, isConnectionFault, violates } from '../../platform/database/database.errors.js';
import { DatabaseService } from '../../platform/database/database.service.js';
import { currentDeadline } from '../../platform/deadline.js';
import { type DomainError, Overloaded, RequestTimedOut } from '../../platform/errors.js';
import { IdempotencyService } from '../../platform/idempotency/idempotency.service.js';
import { note } from '../../platform/observability/subject.js';
import { inSpan } from '../../platform/observability/tracing.js';
import { CheckoutInProgress } from '../order.errors.js';
import type { PlacementRequest } from '../order.types.js';
import { OrderBenefits } from '../order-benefits.service.js';
import { PlacementMetrics } from './placement.metrics.js';
import { PlacementQueue } from './placement.queue.js';
import {
  type How,
  type Outcome,
  outcomeOfRepeat,
  PlacementTransaction,
  productIdsOf,
} from './placement.transaction.js';

type Settled = PromiseSettledResult<Outcome>;
type MakeRoom = How['makeRoom'];

/** Gathers requests into batches, places each batch in one transaction, and says what to do when that fails. */
@Injectable()
export class PlacementService {
  private readonly queue: PlacementQueue<PlacementRequest, Outcome>;

  constructor(
    private readonly database: DatabaseService,
    private readonly transaction: PlacementTransaction,
    private readonly overdueHolds: OverdueHolds,
    private readonly benefits: OrderBenefits,
    private readonly requests: ReservationRequests,
    private readonly idempotency: IdempotencyService,
    private readonly metrics: PlacementMetrics,
    config: Config,
  ) {
    const { PLACEMENT_BATCH_MAX, PLACEMENT_QUEUE_MAX } = config.env;
    this.queue = new PlacementQueue(
      async (batch) => metrics.noteSettled(await this.placeBatch(batch)),
      PLACEMENT_BATCH_MAX,
      PLACEMENT_QUEUE_MAX,
      { batch: (waitedMs) => metrics.noteBatch(waitedMs), full: () => metrics.noteFull() },
    );
  }

  /**
   * Places one order, together with whatever else is waiting. When it resolves with `placed`, the order is on disk.
   * Idempotent by the request's claim and by its order id. A repeat of what is being placed is refused without waiting for it,
   * so no two requests of a batch have the same claim.
   */
  async place(request: PlacementRequest): Promise<Outcome> {
    const task = { name: 'place order', attributes: { 'holdfast.order_id': request.order_id } };
    const work = () => this.requests.watch('shop', this.placeOnce(request), holdingOf);
    const outcome = await inSpan(task, work);
    if (outcome.kind === 'placed') note({ order_id: outcome.order.id });
    return outcome;
  }

  private async placeOnce(request: PlacementRequest): Promise<Outcome> {
    return this.idempotency.alone(
      request.claim,
      () => this.placeInTurn(request),
      (state) => this.metrics.noteRepeat(outcomeOfRepeat(state)),
    );
  }

  private async placeInTurn(request: PlacementRequest): Promise<Outcome> {
    const outcome = await this.enter(request);
    if (outcome.kind !== 'refused' || !outcome.awaited) return outcome;
    // Here and not in the batch: a call to the provider must not hold up the others.
    const wanted = shortOf(outcome.error as InsufficientStock);
    const asked = await this.overdueHolds.settle(wanted).then(
      () => true,
      () => false,
    );
    // When even that cannot be asked, the refusal stands.
    return asked ? this.enter(request) : outcome;
  }

  // Who has waited in vain until their time was over is told that, rather than what they have waited for.
  private async enter(request: PlacementRequest): Promise<Outcome> {
    const deadline = currentDeadline();
    const isLate = (error: unknown) => deadline?.hasPassed && (isBusy(error) || error instanceof Overloaded);
    const outcome = await this.queue.enter(request).catch((error: unknown) => {
      throw isLate(error) ? new RequestTimedOut() : error;
    });
    if (outcome.kind === 'refused' && isLate(outcome.error)) throw new RequestTimedOut();
    return outcome;
  }

  // An overdue hold never is the cause of a refusal. Who was refused for goods that one keeps, or that have come free since, is
  // placed again, in a transaction that ends such holds first. What the others were told stays as it is.
  private async placeBatch(batch: PlacementRequest[]): Promise<Settled[]> {
    const settled = await this.placeSafely(batch, null);
    let overtaken = false;
    for (const rounds = new Rounds(); ; ) {
      const short = [...settled.keys()].filter((place) => wantedBy(settled[place] as Settled).length > 0);
      if (short.length === 0) return settled;
      const wanted = short.flatMap((place) => wantedBy(settled[place] as Settled));
      // When even that cannot be asked, the refusals stand.
      const look = await this.overdueHolds.lookAgain(wanted).catch(() => null);
      if (look?.awaited) for (const place of short) noteAwaited(settled[place] as Settled);
      const free = new Set(look?.worthRetrying);
      const again = short.filter((place) =>
        wantedBy(settled[place] as Settled).some(({ product_id }) => free.has(product_id)),
      );
      if (again.length === 0) return settled;
      if (!rounds.next(overtaken)) {
        if (overtaken) for (const place of again) settled[place] = refusalOf(goodsAreBusy());
        return settled;
      }
      const requests = again.map((place) => batch[place] as PlacementRequest);
      const tried = await this.placeInRoom(
        requests,
        again.flatMap((place) => wantedBy(settled[place] as Settled)),
      );
      ({ overtaken } = tried);
      for (const [index, place] of again.entries()) settled[place] = tried.settled[index] as Settled;
    }
  }

  private async placeInRoom(
    requests: PlacementRequest[],
    wanted: Goods[],
  ): Promise<{ settled: Settled[]; overtaken: boolean }> {
    // What the orders that make room have in hand is locked together with what these want.
    const lockNext: LockNext = async (orderIds, tx) => {
      await this.benefits.lock(requests, orderIds, tx);
    };
    let overtaken = false;
    const settled = await this.placeSafely(requests, async (tx) => {
      const wasFaster = await this.overdueHolds.makeRoom(wanted, productIdsOf(requests), lockNext, tx);
      overtaken ||= wasFaster;
    });
    return { settled, overtaken };
  }

  private async placeSafely(batch: PlacementRequest[], makeRoom: MakeRoom): Promise<Settled[]> {
    const refuseAll = (error: unknown): Settled[] => batch.map(() => ({ status: 'rejected', reason: error }));
    try {
      return await this.placeTogether(batch, { round: 'first', makeRoom });
    } catch (error) {
      // The connection may have been lost after COMMIT: look what is there before anything is placed again.
      if (isConnectionFault(error))
        return this.placeTogether(batch, { round: 'again', makeRoom }).catch(() => refuseAll(error));
      // What may yet come free is not refused for short stock: it is busy.
      if (isBusy(error) && makeRoom !== null) return refuseAll(error);
      // Somebody holds a product for too long: whoever wants others must not wait for that one any longer.
      if (isBusy(error))
        return this.placeTogether(batch, { round: 'without waiting', makeRoom: null }).catch(() =>
          refuseAll(error),
        );
      return this.placeOneByOne(batch, makeRoom);
    }
  }

  // A request that breaks a whole batch must not harm its neighbours. Once one has waited for a product for too long, the
  // others do not wait any more: each of them would, and all that have come behind them.
  private async placeOneByOne(batch: PlacementRequest[], makeRoom: MakeRoom): Promise<Settled[]> {
    const settled: Settled[] = [];
    let how: How = { round: 'again', makeRoom };
    for (const request of batch) {
      try {
        settled.push(...(await this.placeTogether([request], how)));
      } catch (error) {
        settled.push(refusalOfFault(error));
        if (!isBusy(error)) continue;
        if (makeRoom !== null)
          return batch.map((_, index) => settled[index] ?? { status: 'rejected', reason: error });
        how = { round: 'without waiting', makeRoom: null };
      }
    }
    return settled;
  }

  private async placeTogether(batch: PlacementRequest[], how: How): Promise<Settled[]> {
    const outcomes = await this.database.transaction((tx) => this.transaction.place(batch, how, tx));
    return outcomes.map((value) => ({ status: 'fulfilled', value }));
  }
}

const refusalOf = (error: DomainError): Settled => ({
  status: 'fulfilled',
  value: { kind: 'refused', error },
});

/** What an outcome means for the goods. */
function holdingOf(outcome: Outcome): RequestOutcome {
  switch (outcome.kind) {
    case 'placed':
      return 'created';
    case 'refused':
      return outcomeOfError(outcome.error);
    case 'claimed':
      return 'repeated';
  }
}

/** The refusal may not be the last word: the provider can say whether the goods come free. */
function noteAwaited(settled: Settled): void {
  if (settled.status === 'fulfilled' && settled.value.kind === 'refused') settled.value.awaited = true;
}

/** What somebody did not get for short stock. */
function wantedBy(settled: Settled): Goods[] {
  const refused = settled.status === 'fulfilled' && settled.value.kind === 'refused' && settled.value.error;
  return refused instanceof InsufficientStock ? shortOf(refused) : [];
}

// Another instance has bought the same round of the cart between our look and our write: the index has seen it.
function refusalOfFault(error: unknown): Settled {
  return violates(error, 'orders_cart_once')
    ? refusalOf(new CheckoutInProgress())
    : { status: 'rejected', reason: error };
}

import { setTimeout as pause } from 'node:timers/promises';
import { untilEventsAreDone } from './background.js';
import { clientFactory } from './cells.js';
import { type Client, UNANSWERED } from './closed-loop.js';
import type { Options } from './options.js';
import { findBrokenByOrders, readBooks } from './promises.js';
import type { Shop } from './shop.js';

const NAME = 'relay';
const CONNECTIONS = 64;
const PAIRS = 12;
/** What is still under way from before the turn is not counted. */
const SETTLE_MS = 500;

type State = 'on' | 'off';

/** Orders of one product a second, with the relay of events and their consumers beside them and without. */
export interface RelayCost {
  on: number;
  off: number;
  /** Which part of the orders they take: the median of neighbouring pairs of turns. */
  share: number;
  /** What is wrong in the tables afterwards; empty when every promise is kept. */
  broken: string[];
}

/**
 * What the relay takes from those who order. It is turned on and off under one load that never stops, so that whatever else
 * the machine does meets both alike. Null when it was not asked for.
 */
export async function measureRelayCost(
  shop: Shop,
  { only, warmUpMs, measureMs }: Options,
): Promise<RelayCost | null> {
  if (!NAME.includes(only)) return null;
  await untilEventsAreDone(shop.postgres);
  await shop.postgres.query('CHECKPOINT');
  const before = await readBooks(shop.postgres);
  const { clients, close } = clientFactory(shop)['orders, hot'](CONNECTIONS);
  const buyers = new Buyers(clients);
  await pause(warmUpMs);
  const pairs: Record<State, number>[] = [];
  for (let pair = 0; pair < PAIRS; pair++) {
    const rates = { on: 0, off: 0 };
    // Neither is always the first.
    const states: State[] = pair % 2 === 0 ? ['on', 'off'] : ['off', 'on'];
    for (const state of states) rates[state] = await measureTurn(shop, buyers, state, measureMs / 2);
    pairs.push(rates);
  }
  await turn(shop, 'on');
  await buyers.leave();
  await close();
  const mean = (state: State) => pairs.reduce((sum, rates) => sum + rates[state], 0) / PAIRS;
  const shares = pairs.map(({ on, off }) => 1 - on / off).sort((a, b) => a - b);
  const share = ((shares[PAIRS / 2 - 1] as number) + (shares[PAIRS / 2] as number)) / 2;
  const broken = await findBrokenByOrders(shop.postgres, before, buyers);
  for (const [status, count] of buyers.errors) broken.push(`${count} orders were answered ${status}`);
  return { on: mean('on'), off: mean('off'), share, broken };
}

async function measureTurn(shop: Shop, buyers: Buyers, state: State, measureMs: number): Promise<number> {
  await turn(shop, state);
  await pause(SETTLE_MS);
  const before = buyers.acknowledged;
  const start = performance.now();
  await pause(measureMs);
  const perSecond = (buyers.acknowledged - before) / ((performance.now() - start) / 1_000);
  // What was left lying is not to be the work of the next turn.
  if (state === 'off') await shop.postgres.query('TRUNCATE events_undispatched');
  return perSecond;
}

async function turn({ service }: Shop, state: State): Promise<void> {
  const { status } = await fetch(`http://127.0.0.1:${service.port}/api/v1/bench/relay/${state}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${service.tokenFor(1)}` },
  });
  if (status !== 201) throw new Error(`the relay could not be turned ${state}: ${status}`);
}

/** They order as fast as they are answered, until they leave. */
class Buyers {
  acknowledged = 0;
  readonly errors = new Map<number, number>();
  private hasEnded = false;
  private readonly buying: Promise<unknown>;

  constructor(clients: Client[]) {
    this.buying = Promise.all(clients.map((client) => this.buy(client)));
  }

  async leave(): Promise<void> {
    this.hasEnded = true;
    await this.buying;
  }

  private async buy(client: Client): Promise<void> {
    while (!this.hasEnded) {
      const status = await client.call();
      if (status === 201) this.acknowledged += 1;
      else this.errors.set(status, (this.errors.get(status) ?? 0) + 1);
      // A service that is gone is not asked again and again.
      if (status === UNANSWERED) return;
    }
  }
}

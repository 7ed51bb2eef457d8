import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from '../support/eventually.js';
import { leaveAlone, resetAfterRequest, sendTwice } from './interferences.js';
import type { Load } from './load.js';
import { Shop } from './shop.js';

const CUT_MS = 10_000;

let shop: Shop;
let load: Load;

beforeAll(async () => {
  shop = await Shop.open('gateway unheard');
});
beforeEach(async () => {
  load = await shop.load();
  await load.answers(20);
});
afterEach(() => leaveAlone(shop.gatewayProxy));
afterAll(() => shop?.close());

describe('the payment gateway, while eight customers shop', () => {
  // The load itself holds those that charge and hang (tok_timeout), answer 500 (tok_error), or take their time (tok_slow).

  it('gets the request, and its connection is reset before it answers', async () => {
    const resets = resetAfterRequest(shop.gatewayProxy, { every: 3 });
    await eventually(() => resets.count >= 20, { within: 60_000, what: 'twenty resets' });
    leaveAlone(shop.gatewayProxy);
    await shop.expectAllIsWell(load);
  });

  it.each(['one', 'both'] as const)('gets a request twice, and %s of its answers is heard', async (hear) => {
    const sent = sendTwice(shop.gatewayProxy, shop.gateway.port, { every: 2, hear });
    await eventually(() => sent.count >= 30, { within: 60_000, what: 'thirty requests sent twice' });
    leaveAlone(shop.gatewayProxy);
    await shop.expectAllIsWell(load);
  });

  it('cannot be reached for ten seconds: nobody is told, and what was sent arrives late', async () => {
    shop.gatewayProxy.silence();
    await pause(CUT_MS);
    shop.gatewayProxy.restore();
    await load.answers(20);
    await shop.expectAllIsWell(load);
  });

  it('is killed, again and again, and comes back', async () => {
    for (let kill = 0; kill < 5; kill++) {
      await load.answers(shop.chance.between(5, 30));
      await shop.gateway.kill();
      await load.answers(5);
      await shop.gateway.start();
    }
    await shop.expectAllIsWell(load);
  });
});

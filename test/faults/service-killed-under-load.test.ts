import { setTimeout as pause } from 'node:timers/promises';
import { Shop } from './shop.js';

const KILLS = 50;
/** Each with a verdict of its own, so that it is known which kills a bad one came from. */
const ROUNDS = 2;

let shop: Shop;

beforeAll(async () => {
  shop = await Shop.open('killed under load');
});
afterAll(() => shop?.close());

describe('kill -9 of the service at random moments, while eight customers shop', () => {
  it.each(Array.from({ length: ROUNDS }, (_, index) => index + 1))(
    'loses nothing, charges nobody twice and leaves nothing undone, round %i',
    async (round) => {
      const chance = shop.chance.of(round);
      const load = await shop.load();
      for (let kill = 0; kill < KILLS / ROUNDS; kill++) {
        await load.answers(chance.between(1, 60));
        // Not always right after an answer: at any moment of what is under way.
        await pause(chance.between(0, 40));
        await shop.service.kill();
        await shop.service.start();
      }
      await shop.expectAllIsWell(load);
      expect(load.client.unknown).toBeGreaterThan(KILLS / ROUNDS);
    },
  );
});

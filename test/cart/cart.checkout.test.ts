import { CartService } from '../../src/cart/cart.service.js';
import { DatabaseService } from '../../src/platform/database/database.service.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { givenCustomer } from '../support/given.js';

let database: TestDatabase;
let app: TestApp;
let carts: CartService;
let door: DatabaseService;

beforeAll(async () => {
  database = await cloneDatabase();
  app = await bootApp(database);
  carts = app.app.get(CartService);
  door = app.app.get(DatabaseService);
});
afterAll(async () => {
  await app.close();
  await database.drop();
});

type Line = { product_id: number; quantity: number };

async function givenCart(...lines: Line[]) {
  const { id } = await givenCustomer(app);
  for (const line of lines) await carts.add(id, line, null);
  return { userId: id, cart: (await carts.findForCheckout(id))! };
}

const removeBought = (userId: number, cart: { cart_id: string; round: number }, lines: Line[]) =>
  door.transaction((tx) => carts.removeBought(userId, cart, lines, tx));

describe('what a checkout buys', () => {
  it('is nothing when the cart is empty', async () => {
    const { userId } = await givenCart();
    expect(await carts.findForCheckout(userId)).toBeNull();
  });

  it('is the cart, its round and its lines by product id', async () => {
    const { userId, cart } = await givenCart({ product_id: 3, quantity: 1 }, { product_id: 1, quantity: 2 });
    const { cart_id } = await carts.get(userId);
    expect(cart).toEqual({
      cart_id,
      round: 0,
      lines: [
        { product_id: 1, quantity: 2 },
        { product_id: 3, quantity: 1 },
      ],
    });
  });
});

describe('taking out what was bought', () => {
  it('empties a cart in which nothing else is', async () => {
    const { userId, cart } = await givenCart({ product_id: 1, quantity: 2 }, { product_id: 2, quantity: 1 });
    await removeBought(userId, cart, cart.lines);
    expect(await carts.get(userId)).toMatchObject({ cart_id: '', items: [] });
    expect(await database.sql('SELECT FROM carts WHERE user_id = $1', [userId])).toHaveLength(0);
  });

  it('leaves what was added meanwhile, and begins the next round', async () => {
    const { userId, cart } = await givenCart({ product_id: 1, quantity: 2 }, { product_id: 2, quantity: 1 });
    await carts.add(userId, { product_id: 1, quantity: 3 }, null);
    await carts.add(userId, { product_id: 4, quantity: 1 }, null);
    await removeBought(userId, cart, cart.lines);
    expect(await carts.findForCheckout(userId)).toEqual({
      cart_id: cart.cart_id,
      round: 1,
      lines: [
        { product_id: 1, quantity: 3 },
        { product_id: 4, quantity: 1 },
      ],
    });
  });

  it('takes out lines that were lowered meanwhile, and does not mind those that are gone', async () => {
    const { userId, cart } = await givenCart({ product_id: 1, quantity: 5 }, { product_id: 2, quantity: 1 });
    await carts.add(userId, { product_id: 3, quantity: 1 }, null);
    await carts.change(userId, 1, -3);
    await carts.remove(userId, 2);
    await removeBought(userId, cart, cart.lines);
    expect((await carts.findForCheckout(userId))?.lines).toEqual([{ product_id: 3, quantity: 1 }]);
  });

  it('adds up lines that name one product twice', async () => {
    const { userId, cart } = await givenCart({ product_id: 1, quantity: 5 });
    const half = { product_id: 1, quantity: 2 };
    await removeBought(userId, cart, [half, half]);
    expect((await carts.findForCheckout(userId))?.lines).toEqual([{ product_id: 1, quantity: 1 }]);
  });

  it('happens once: a second call finds the next round', async () => {
    const { userId, cart } = await givenCart({ product_id: 1, quantity: 2 });
    await carts.add(userId, { product_id: 1, quantity: 3 }, null);
    await removeBought(userId, cart, cart.lines);
    await removeBought(userId, cart, cart.lines);
    expect(await carts.findForCheckout(userId)).toMatchObject({
      round: 1,
      lines: [{ product_id: 1, quantity: 3 }],
    });
  });

  it('leaves a new cart alone that the user has begun since', async () => {
    const { userId, cart } = await givenCart({ product_id: 1, quantity: 2 });
    await carts.clear(userId);
    await carts.add(userId, { product_id: 1, quantity: 2 }, null);
    await removeBought(userId, cart, cart.lines);
    expect(await carts.findForCheckout(userId)).toMatchObject({
      round: 0,
      lines: [{ product_id: 1, quantity: 2 }],
    });
  });

  it("leaves another user's cart alone", async () => {
    const { cart } = await givenCart({ product_id: 1, quantity: 2 });
    const stranger = await givenCart({ product_id: 1, quantity: 2 });
    await removeBought(stranger.userId, cart, cart.lines);
    expect((await carts.findForCheckout(stranger.userId))?.lines).toEqual([{ product_id: 1, quantity: 2 }]);
  });

  it('is undone with the transaction that it is part of', async () => {
    const { userId, cart } = await givenCart({ product_id: 1, quantity: 2 });
    const failing = door.transaction(async (tx) => {
      await carts.removeBought(userId, cart, cart.lines, tx);
      throw new Error('the order was not paid after all');
    });
    await expect(failing).rejects.toThrow('not paid');
    expect(await carts.findForCheckout(userId)).toEqual(cart);
  });
});

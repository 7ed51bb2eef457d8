import { GuestHeirs } from '../../src/auth/guest-heirs.js';
import { UserRepository } from '../../src/auth/user.repository.js';
import { CartRepository } from '../../src/cart/cart.repository.js';
import { OrderRepository } from '../../src/order/order.repository.js';
import { Statement } from '../../src/platform/database/statement.js';
import { meeting, times, untilWaiting } from '../support/barrier.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { GIVEN_PASSWORD, givenCustomer, givenGuest } from '../support/given.js';
import {
  type Answer,
  call,
  countOf,
  givenHoldIsOver,
  givenProduct,
  Shopper,
  stockOf,
} from '../support/given-shop.js';
import { expectPromisesKept } from '../support/promises.js';

let database: TestDatabase;
let app: TestApp;
let lamp: number;

beforeEach(async () => {
  database = await cloneDatabase();
  app = await bootApp(database);
  lamp = await givenProduct(database, { stock: 10 });
});
afterEach(async () => {
  await expectPromisesKept(database);
  await app.close();
  await database.drop();
});

const users = () => app.app.get(UserRepository);
const heirs = () => app.app.get(GuestHeirs);
const carts = () => app.app.get(CartRepository);
const orders = () => app.app.get(OrderRepository);

async function givenParties(guestQuantity = 0, accountQuantity = 0) {
  const guest = new Shopper(app, await givenGuest(app));
  const account = new Shopper(app, await givenCustomer(app));
  if (guestQuantity > 0) await guest.add(lamp, guestQuantity);
  if (accountQuantity > 0) await account.add(lamp, accountQuantity);
  return { guest, account };
}

const logIn = (account: Shopper, guest: Shopper): Promise<Answer> =>
  call(app, guest.user, 'POST', '/auth/login', {
    body: { email: account.user.user.email, password: GIVEN_PASSWORD },
  });

const add = (shopper: Shopper): Promise<Answer> =>
  shopper.send('POST', '/cart/items', { body: { product_id: lamp, quantity: 1 } });

const ordersOf = ({ id }: Shopper) => database.sql('SELECT id FROM orders WHERE user_id = $1', [id]);

/** Does what `during` says while the first call of the method has done its work and not committed it. */
function holdUpAfter<Key extends string>(owner: Record<Key, any>, method: Key, during: () => Promise<void>) {
  const work = owner[method].bind(owner);
  let isFirst = true;
  owner[method] = async (...values: unknown[]) => {
    const done = await work(...values);
    if (isFirst) {
      isFirst = false;
      await during();
    }
    return done;
  };
}

/** Lets the first call of the method begin only when somebody waits for what it has locked. */
function holdUpBefore<Key extends string>(owner: Record<Key, any>, method: Key, during: () => Promise<void>) {
  const work = owner[method].bind(owner);
  let isFirst = true;
  owner[method] = async (...values: unknown[]) => {
    if (isFirst) {
      isFirst = false;
      await during();
    }
    return work(...values);
  };
}

const somebodyWaits = () => untilWaiting(database);

const guestUnlocked = new Statement<{ id: number }>(
  'test-guest-unlocked',
  `SELECT id FROM users WHERE id = $1 AND role = 'guest'`,
);
const nobodyLocksTheGuest = () => {
  users().lockGuest = async (id, tx) => (await guestUnlocked.first([id], tx)) !== null;
};
const cartUnlocked = new Statement<{ id: string }>(
  'test-cart-unlocked',
  'SELECT id FROM carts WHERE user_id = $1',
);
const nobodyLocksTheCart = () => {
  carts().lockOfUser = async (userId, tx) => (await cartUnlocked.first([userId], tx))?.id ?? null;
};
const theGuestStays = () => {
  users().dropGuest = async () => undefined;
};

describe('two logins with the token of one guest', () => {
  it('add the cart once', async () => {
    const { guest, account } = await givenParties(2, 1);
    holdUpBefore(heirs(), 'handOver', somebodyWaits);
    const answers = await times(2, () => logIn(account, guest));
    expect(countOf(answers, 200)).toBe(2);
    expect(await account.cart()).toEqual([{ product_id: lamp, quantity: 3 }]);
  });

  it('to two accounts give everything to one of them', async () => {
    const { guest, account } = await givenParties(2, 1);
    const order = await guest.order([{ product_id: lamp, quantity: 1 }]);
    const other = new Shopper(app, await givenCustomer(app));
    holdUpBefore(heirs(), 'handOver', somebodyWaits);
    const answers = await Promise.all([logIn(account, guest), logIn(other, guest)]);
    expect(countOf(answers, 200)).toBe(2);
    const [own, others] = [await ordersOf(account), await ordersOf(other)];
    expect([...own, ...others]).toEqual([{ id: order.id }]);
    const heir = own.length === 1 ? [3, undefined] : [1, 2];
    expect([(await account.cart())[0]?.quantity, (await other.cart())[0]?.quantity]).toEqual(heir);
  });

  it('(control) add the cart twice when neither the guest nor the carts are locked', async () => {
    const { guest, account } = await givenParties(2, 1);
    nobodyLocksTheGuest();
    nobodyLocksTheCart();
    carts().take = async () => undefined;
    const addLines = carts().addLines.bind(carts());
    const bothAreHere = meeting(2);
    carts().addLines = async (...values) => {
      await bothAreHere();
      return addLines(...values);
    };
    // The second adds what the first has not yet taken away.
    holdUpAfter(carts(), 'addLines', somebodyWaits);
    const answers = await times(2, () => logIn(account, guest));
    expect(answers.map(({ status, body }) => [status, body.code])).toEqual([
      [200, undefined],
      [200, undefined],
    ]);
    expect(await account.cart()).toEqual([{ product_id: lamp, quantity: 5 }]);
  });
});

describe('what a guest puts into the cart at the moment of the login', () => {
  it("is the account's when it came first", async () => {
    const { guest, account } = await givenParties(2, 1);
    let login: Promise<Answer> | undefined;
    holdUpAfter(carts(), 'addToLine', async () => {
      login = logIn(account, guest);
      await somebodyWaits();
    });
    expect((await add(guest)).status).toBe(200);
    expect((await login)?.status).toBe(200);
    expect(await account.cart()).toEqual([{ product_id: lamp, quantity: 4 }]);
  });

  it('(control) is lost when nobody locks the cart', async () => {
    const { guest, account } = await givenParties(2, 1);
    nobodyLocksTheCart();
    let login: Promise<Answer> | undefined;
    holdUpAfter(carts(), 'addToLine', async () => {
      login = logIn(account, guest);
      await somebodyWaits();
    });
    expect((await add(guest)).status).toBe(200);
    expect((await login)?.status).toBe(200);
    expect(await account.cart()).toEqual([{ product_id: lamp, quantity: 3 }]);
  });

  it('is refused when the login came first', async () => {
    const { guest, account } = await givenParties(2, 1);
    let added: Promise<Answer> | undefined;
    holdUpAfter(heirs(), 'handOver', async () => {
      added = add(guest);
      await somebodyWaits();
    });
    expect((await logIn(account, guest)).status).toBe(200);
    expect((await added)?.body.code).toBe('invalid_token');
    expect(await account.cart()).toEqual([{ product_id: lamp, quantity: 3 }]);
  });

  it("(control) is acknowledged and nobody's when the guest stays", async () => {
    const { guest, account } = await givenParties(2, 1);
    theGuestStays();
    let added: Promise<Answer> | undefined;
    holdUpAfter(heirs(), 'handOver', async () => {
      added = add(guest);
      await somebodyWaits();
    });
    expect((await logIn(account, guest)).status).toBe(200);
    expect((await added)?.status).toBe(200);
    expect(await account.cart()).toEqual([{ product_id: lamp, quantity: 3 }]);
  });
});

describe('an order that a guest places at the moment of the login', () => {
  const place = (guest: Shopper) => guest.place([{ product_id: lamp, quantity: 1 }], {}, 'key');

  it("is the account's when it came first, and so is its key", async () => {
    const { guest, account } = await givenParties();
    let login: Promise<Answer> | undefined;
    holdUpAfter(orders(), 'insert', async () => {
      login = logIn(account, guest);
      await somebodyWaits();
    });
    const { status, body } = await place(guest);
    expect(status).toBe(201);
    expect((await login)?.status).toBe(200);
    expect(await ordersOf(account)).toEqual([{ id: body.id }]);
    expect((await place(account)).body.id).toBe(body.id);
  });

  it('(control) stays behind when nobody locks the guest', async () => {
    const { guest, account } = await givenParties();
    nobodyLocksTheGuest();
    theGuestStays();
    let login: Answer | undefined;
    holdUpAfter(orders(), 'insert', async () => {
      login = await logIn(account, guest);
    });
    expect((await place(guest)).status).toBe(201);
    expect(login?.status).toBe(200);
    expect([await ordersOf(guest), await ordersOf(account)]).toEqual([[{ id: expect.any(String) }], []]);
  });

  it('is refused, and takes nothing, when the login came first', async () => {
    const { guest, account } = await givenParties();
    let placed: Promise<Answer> | undefined;
    holdUpAfter(heirs(), 'handOver', async () => {
      placed = place(guest);
      await somebodyWaits();
    });
    expect((await logIn(account, guest)).status).toBe(200);
    expect((await placed)?.body.code).toBe('invalid_token');
    expect(await stockOf(database, lamp)).toBe(10);
    expect((await place(account)).status).toBe(201);
  });
});

describe('a guest whose own overdue order keeps the goods that they order anew, at the moment of the login', () => {
  /** @returns how often each of the two had to be begun. */
  async function race(): Promise<{ logins: number; placements: number }> {
    const { guest, account } = await givenParties();
    const all = [{ product_id: lamp, quantity: 10 }];
    const overdue = await guest.order(all);
    await givenHoldIsOver(database, overdue.id);
    let [logins, placements] = [0, 0];
    const { lockGuest } = users();
    users().lockGuest = (...values) => {
      logins += 1;
      return lockGuest.apply(users(), values);
    };
    let login: Promise<Answer> | undefined;
    holdUpAfter(orders(), 'lockOverdue', async () => {
      login = logIn(account, guest);
      await somebodyWaits();
    });
    const { lockOverdue } = orders();
    orders().lockOverdue = (...values) => {
      placements += 1;
      return lockOverdue.apply(orders(), values);
    };
    await guest.place(all);
    expect((await login)?.status).toBe(200);
    return { logins, placements };
  }

  it('neither of the two locks the other out', async () => {
    expect(await race()).toEqual({ logins: 1, placements: 1 });
  });

  it('(control) one has to be begun again when the orders are not locked before the guest', async () => {
    heirs().lock = async () => undefined;
    const { logins, placements } = await race();
    expect(logins + placements).toBeGreaterThan(2);
  });
});

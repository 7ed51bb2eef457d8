import { GuestCleanup } from '../../src/auth/guest-cleanup.js';
import { RecoveryService } from '../../src/checkout/recovery.service.js';
import { PaymentService } from '../../src/payment/payment.service.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { GIVEN_PASSWORD, type GivenUser, givenCustomer, givenGuest } from '../support/given.js';
import { givenDiscount } from '../support/given-benefits.js';
import {
  type Answer,
  call,
  expectProblem,
  type GivenSandbox,
  givenAdminShopper,
  givenProduct,
  givenSandbox,
  type Line,
  Shopper,
  stockOf,
} from '../support/given-shop.js';
import { expectPromisesKept } from '../support/promises.js';
import { AuthCalls, newEmail, PASSWORD } from './calls.js';

let sandbox: GivenSandbox;
let database: TestDatabase;
let app: TestApp;
let auth: AuthCalls;
let lamp: number;
let chair: number;

beforeAll(async () => {
  sandbox = await givenSandbox();
  database = await cloneDatabase();
  app = await bootApp(database, { ...sandbox.settings, PAYMENT_RECOVERY_SECONDS: '3600' });
  auth = new AuthCalls(app);
  lamp = await givenProduct(database, { stock: 1_000 });
  chair = await givenProduct(database, { stock: 1_000 });
});
afterAll(() => expectPromisesKept(database));
afterAll(async () => {
  await app?.close();
  await sandbox.close();
  await database?.drop();
});

/** A guest with these lines in the cart. */
async function givenGuestWith(...lines: Line[]): Promise<Shopper> {
  const guest = new Shopper(app, await givenGuest(app));
  for (const { product_id, quantity } of lines) await guest.add(product_id, quantity);
  return guest;
}

/** A customer with these lines in the cart. */
async function givenAccountWith(...lines: Line[]): Promise<Shopper> {
  const account = new Shopper(app, await givenCustomer(app));
  for (const { product_id, quantity } of lines) await account.add(product_id, quantity);
  return account;
}

/** Logs in to the account, as whoever `from` is. */
const logIn = (account: Shopper, from: GivenUser, password = GIVEN_PASSWORD): Promise<Answer> =>
  call(app, from, 'POST', '/auth/login', { body: { email: account.user.user.email, password } });

const register = (from: GivenUser, email = newEmail()): Promise<Answer> =>
  call(app, from, 'POST', '/auth/register', { body: { email, password: PASSWORD, name: 'Ada Lovelace' } });

/** Somebody's way on, with the tokens that they were answered with. */
const shopperOf = ({ body }: Answer): Shopper =>
  new Shopper(app, {
    id: body.user.id,
    user: body.user,
    token: body.access_token,
    headers: { authorization: `Bearer ${body.access_token}` },
  });

const expectGone = async (guest: Shopper) =>
  expectProblem(await guest.send('GET', '/cart'), 401, 'invalid_token');

describe('a guest', () => {
  it('is made without a word, and answered like anybody who logs in', async () => {
    const answer = await auth.guest();
    expect(answer.status).toBe(201);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.body).toEqual({
      access_token: expect.any(String),
      refresh_token: expect.stringMatching(/^[\w-]{43}$/),
      expires_in: 900,
      user: { id: expect.any(Number), email: null, name: '', role: 'guest', points: 0 },
    });
    const { body } = await auth.me(`Bearer ${answer.body.access_token}`);
    expect(body).toEqual(answer.body.user);
    const refreshed = await auth.refresh(answer.body.refresh_token);
    expect(refreshed.body.user).toEqual(answer.body.user);
  });

  it('is somebody else each time', async () => {
    const [one, other] = [await auth.guest(), await auth.guest()];
    expect(one.body.user.id).not.toBe(other.body.user.id);
  });

  it('buys like a customer: cart, checkout, order, payment, cancellation', async () => {
    const guest = await givenGuestWith({ product_id: lamp, quantity: 2 });
    const { body: bought } = await guest.checkout();
    expect(bought).toMatchObject({ status: 'COMPLETED', payment: { status: 'succeeded' } });
    expect(await guest.cart()).toEqual([]);
    const order = await guest.order([{ product_id: chair, quantity: 1 }]);
    expect((await guest.pay(order.id)).body.status).toBe('succeeded');
    const other = await guest.order([{ product_id: chair, quantity: 1 }]);
    expect((await guest.cancel(other.id)).body.status).toBe('cancelled');
    expect((await guest.list('?count=true')).body.total).toBe(3);
  });

  it('may do nothing that is for admins, and cannot log in', async () => {
    const guest = await givenGuestWith();
    expectProblem(await guest.send('GET', '/admin/orders'), 403, 'forbidden');
    expectProblem(await guest.send('POST', '/products', { body: {} }), 403, 'forbidden');
    await expect(
      database.sql(`UPDATE users SET password_hash = 'x' WHERE id = $1`, [guest.id]),
    ).rejects.toThrow('users_guest_cannot_log_in');
  });
});

describe('a guest who registers', () => {
  it('becomes the customer, and keeps cart and orders', async () => {
    const guest = await givenGuestWith({ product_id: lamp, quantity: 2 });
    const order = await guest.order([{ product_id: chair, quantity: 1 }]);
    const answer = await register(guest.user);
    expect(answer.status).toBe(201);
    expect(answer.body.user).toMatchObject({ id: guest.id, name: 'Ada Lovelace', role: 'customer' });
    const customer = shopperOf(answer);
    expect(await customer.cart()).toEqual([{ product_id: lamp, quantity: 2 }]);
    expect((await customer.list()).body.orders).toMatchObject([{ id: order.id, user_id: guest.id }]);
    expect((await customer.pay(order.id)).body.status).toBe('succeeded');
  });

  it('is no guest any more: neither of the old tokens is good', async () => {
    const { body } = await auth.guest();
    const guest = shopperOf({ body } as Answer);
    await register(guest.user);
    await expectGone(guest);
    expect((await auth.refresh(body.refresh_token)).status).toBe(401);
  });

  it('stays a guest when the e-mail is taken or the password refused', async () => {
    const guest = await givenGuestWith({ product_id: lamp, quantity: 1 });
    const account = await givenAccountWith();
    expectProblem(await register(guest.user, account.user.user.email as string), 409, 'email_taken');
    const weak = { email: newEmail(), password: 'qwertyuiop', name: 'Ada' };
    expect((await call(app, guest.user, 'POST', '/auth/register', { body: weak })).status).toBe(400);
    expect(await guest.cart()).toEqual([{ product_id: lamp, quantity: 1 }]);
  });

  it('a second time is somebody new, with nothing of the first', async () => {
    const guest = await givenGuestWith({ product_id: lamp, quantity: 1 });
    const first = shopperOf(await register(guest.user));
    const second = shopperOf(await register(guest.user));
    expect(second.id).not.toBe(first.id);
    expect([await first.cart(), await second.cart()]).toEqual([[{ product_id: lamp, quantity: 1 }], []]);
  });
});

describe('a guest who logs in', () => {
  it('adds the cart to that of the account, up to 99 of each', async () => {
    const guest = await givenGuestWith(
      { product_id: lamp, quantity: 60 },
      { product_id: chair, quantity: 3 },
    );
    const account = await givenAccountWith({ product_id: lamp, quantity: 50 });
    const answer = await logIn(account, guest.user);
    expect(answer.status).toBe(200);
    expect(answer.body.user).toMatchObject({ id: account.id, role: 'customer' });
    const quantities = (await account.cart()).map(({ product_id, quantity }) => [product_id, quantity]);
    expect(new Map(quantities as [number, number][])).toEqual(
      new Map([
        [lamp, 99],
        [chair, 3],
      ]),
    );
  });

  it('brings the very cart along when the account has none', async () => {
    const guest = await givenGuestWith({ product_id: lamp, quantity: 2 });
    const { body: before } = await guest.send('GET', '/cart');
    const account = await givenAccountWith();
    await logIn(account, guest.user);
    const { body: after } = await account.send('GET', '/cart');
    expect(after).toMatchObject({ cart_id: before.cart_id, user_id: account.id, items: before.items });
  });

  it('brings the orders along, and whatever hangs on them', async () => {
    const guest = await givenGuestWith();
    const paid = await guest.order([{ product_id: lamp, quantity: 1 }]);
    const { body: payment } = await guest.pay(paid.id);
    const open = await guest.order([{ product_id: chair, quantity: 1 }]);
    const account = await givenAccountWith();
    const own = await account.order([{ product_id: chair, quantity: 1 }]);
    await logIn(account, guest.user);
    const { orders } = (await account.list()).body;
    expect(orders.map(({ id }: { id: string }) => id)).toEqual([own.id, open.id, paid.id]);
    expect(orders.every(({ user_id }: { user_id: number }) => user_id === account.id)).toBe(true);
    expect((await account.send('GET', `/payments/${payment.id}`)).body).toEqual(payment);
    const before = await stockOf(database, chair);
    expect((await account.cancel(open.id)).body.status).toBe('cancelled');
    expect(await stockOf(database, chair)).toBe(before + 1);
  });

  it('is gone then: no token is good, and a second login brings nothing more', async () => {
    const { body } = await auth.guest();
    const guest = shopperOf({ body } as Answer);
    await guest.add(lamp, 2);
    const account = await givenAccountWith({ product_id: lamp, quantity: 1 });
    for (let times = 0; times < 3; times++) expect((await logIn(account, guest.user)).status).toBe(200);
    expect(await account.cart()).toEqual([{ product_id: lamp, quantity: 3 }]);
    await expectGone(guest);
    expect((await auth.refresh(body.refresh_token)).status).toBe(401);
    expect(await database.sql('SELECT id FROM users WHERE id = $1', [guest.id])).toEqual([]);
  });

  it('with a wrong password keeps everything, and so does the account', async () => {
    const guest = await givenGuestWith({ product_id: lamp, quantity: 2 });
    const order = await guest.order([{ product_id: chair, quantity: 1 }]);
    const account = await givenAccountWith({ product_id: lamp, quantity: 1 });
    expectProblem(await logIn(account, guest.user, 'wrong password'), 401, 'invalid_credentials');
    expect(await account.cart()).toEqual([{ product_id: lamp, quantity: 1 }]);
    expect(await guest.cart()).toEqual([{ product_id: lamp, quantity: 2 }]);
    expect((await guest.get(order.id)).status).toBe(200);
  });

  it("is asked for by the token of a guest only: a customer's makes no difference", async () => {
    const other = await givenAccountWith({ product_id: lamp, quantity: 2 });
    const account = await givenAccountWith({ product_id: lamp, quantity: 1 });
    expect((await logIn(account, other.user)).status).toBe(200);
    expect(await account.cart()).toEqual([{ product_id: lamp, quantity: 1 }]);
    expect(await other.cart()).toEqual([{ product_id: lamp, quantity: 2 }]);
  });

  it('has what they asked for before answered the same, and not done again', async () => {
    const guest = await givenGuestWith();
    const items = [{ product_id: lamp, quantity: 1 }];
    const first = await guest.place(items, {}, 'one-key');
    const account = await givenAccountWith();
    const own = await account.place([{ product_id: chair, quantity: 1 }], {}, 'another-key');
    await logIn(account, guest.user);
    const again = await account.place(items, {}, 'one-key');
    expect([again.status, again.headers['idempotent-replayed']]).toEqual([201, 'true']);
    expect(again.body).toEqual(first.body);
    expect((await account.place([{ product_id: chair, quantity: 1 }], {}, 'another-key')).body).toEqual(
      own.body,
    );
    expect((await account.list()).body.orders).toHaveLength(2);
  });

  it("with a key that both have used keeps the account's answer", async () => {
    const guest = await givenGuestWith();
    const account = await givenAccountWith();
    const items = [{ product_id: lamp, quantity: 1 }];
    await guest.place(items, {}, 'both');
    const own = await account.place(items, {}, 'both');
    await logIn(account, guest.user);
    expect((await account.place(items, {}, 'both')).body).toEqual(own.body);
  });
});

describe('a guest whose checkout waits for the customer at the provider', () => {
  const givenPending = async (guest: Shopper) => {
    const { status, body } = await guest.checkout({ payment_token: 'tok_pending' });
    expect([status, body.status]).toEqual([202, 'PENDING']);
    return body;
  };
  const approve = async ({ payment }: { payment: { confirmation_url: string } }) => {
    await sandbox.decide(payment.confirmation_url, 'approve');
    await database.sql(`UPDATE payments SET next_check_at = now() WHERE status = 'pending'`);
    await app.app.get(RecoveryService).recover();
  };

  it('and who logs in to an account without a cart: what is paid leaves the cart, and nothing else', async () => {
    const guest = await givenGuestWith({ product_id: lamp, quantity: 2 });
    const pending = await givenPending(guest);
    const account = await givenAccountWith();
    await logIn(account, guest.user);
    expectProblem(await account.checkout(), 409, 'checkout_in_progress');
    await account.add(chair, 1);
    await approve(pending);
    expect((await account.get(pending.order_id)).body.status).toBe('paid');
    expect(await account.cart()).toEqual([{ product_id: chair, quantity: 1 }]);
  });

  it('and who logs in to an account with a cart: what is being bought stays out of it', async () => {
    const guest = await givenGuestWith({ product_id: lamp, quantity: 2 });
    const pending = await givenPending(guest);
    await guest.add(lamp, 3);
    await guest.add(chair, 1);
    const account = await givenAccountWith({ product_id: lamp, quantity: 1 });
    await logIn(account, guest.user);
    const merged = [
      { product_id: lamp, quantity: 4 },
      { product_id: chair, quantity: 1 },
    ];
    expect(await account.cart()).toEqual(expect.arrayContaining(merged));
    await approve(pending);
    expect((await account.get(pending.order_id)).body.status).toBe('paid');
    expect(await account.cart()).toEqual(expect.arrayContaining(merged));
  });
});

describe('a guest whose checkout is being charged while they log in', () => {
  it('is charged once, and the account asks for the outcome with the same key', async () => {
    const guest = await givenGuestWith({ product_id: lamp, quantity: 2 });
    const account = await givenAccountWith();
    const payments = app.app.get(PaymentService);
    const ask = payments.ask.bind(payments);
    payments.ask = async (payment) => {
      await logIn(account, guest.user);
      payments.ask = ask;
      return ask(payment);
    };
    const { status, body } = await guest.checkout({}, 'one-click');
    expect([status, body.status]).toEqual([200, 'COMPLETED']);
    expect(await account.cart()).toEqual([]);
    // As if the guest had never heard of it: the claim has passed to the account before it was finished.
    expectProblem(await account.checkout({}, 'one-click'), 409, 'idempotency_in_progress');
    await database.sql(`UPDATE idempotency_keys SET busy_until = now() WHERE scope LIKE '% one-click'`);
    const again = await account.checkout({}, 'one-click');
    expect([again.status, again.body]).toEqual([200, body]);
    expect((await account.list()).body.orders).toMatchObject([{ id: body.order_id, status: 'paid' }]);
    expect((await sandbox.ledger(body.order_id)).captures).toBe(1);
  });
});

describe('guests who do not return', () => {
  const cleanUp = () => app.app.get(GuestCleanup).removeIdle();
  const wasHere = async ({ id }: { id: number }, daysAgo: number) => {
    const ago = `now() - interval '${daysAgo} days'`;
    await database.sql(`UPDATE users SET created_at = ${ago} WHERE id = $1`, [id]);
    await database.sql(`UPDATE refresh_tokens SET created_at = ${ago} WHERE user_id = $1`, [id]);
  };
  const isThere = async ({ id }: { id: number }) =>
    (await database.sql('SELECT id FROM users WHERE id = $1', [id])).length === 1;

  it('are removed after GUEST_TTL_DAYS, with their carts', async () => {
    const [idle, young] = [await givenGuestWith({ product_id: lamp, quantity: 1 }), await givenGuestWith()];
    await wasHere(idle, 31);
    await wasHere(young, 29);
    expect(await cleanUp()).toBe(1);
    expect([await isThere(idle), await isThere(young)]).toEqual([false, true]);
    expect(await database.sql('SELECT id FROM carts WHERE user_id = $1', [idle.id])).toEqual([]);
  });

  it('stay when they have ordered anything, were here since, or are no guests', async () => {
    const buyer = await givenGuestWith();
    await buyer.order([{ product_id: lamp, quantity: 1 }]);
    const { body } = await auth.guest();
    const customer = await givenAccountWith();
    for (const user of [buyer, body.user, customer]) await wasHere(user, 31);
    await auth.refresh(body.refresh_token);
    expect(await cleanUp()).toBe(0);
    for (const user of [buyer, body.user, customer]) expect(await isThere(user)).toBe(true);
  });

  it('are removed in batches, however many there are', async () => {
    await database.sql(
      `INSERT INTO users (name, role, created_at)
       SELECT '', 'guest', now() - interval '40 days' FROM generate_series(1, 1200)`,
    );
    const { app: nest } = app;
    const cleanup = nest.get(GuestCleanup);
    expect(await cleanup.removeIdle()).toBe(1_200);
    expect(await cleanup.removeIdle()).toBe(0);
  });
});

it('hands over, or takes along, whatever refers to users', async () => {
  const referring = await database.sql<{ table: string; rule: string }>(
    `SELECT conrelid::regclass::text AS table, confdeltype AS rule FROM pg_constraint
     WHERE confrelid = 'users'::regclass ORDER BY 1`,
  );
  // A new one needs a GuestHeir that hands its rows over, unless no guest has any: a guest whose rows stay cannot log in.
  expect(referring).toEqual([
    { table: 'carts', rule: 'c' },
    { table: 'discount_uses', rule: 'a' },
    { table: 'orders', rule: 'a' },
    // No guest has points.
    { table: 'points_accounts', rule: 'a' },
    { table: 'refresh_tokens', rule: 'c' },
  ]);
});

it('a code that each may use once is used by the account that a guest turns out to be', async () => {
  const discount_code = await givenDiscount(database, { per_user_limit: 1 });
  const guest = await givenGuestWith();
  await guest.order([{ product_id: lamp, quantity: 1 }], { discount_code });
  const account = await givenAccountWith();
  expect((await logIn(account, guest.user)).status).toBe(200);
  const again = await account.place([{ product_id: lamp, quantity: 1 }], { discount_code });
  expectProblem(again, 400, 'discount_invalid');
  expect(again.body.reason).toBe('used_up_by_you');
});

it("a guest's order can be seen by admins under whoever the guest has become", async () => {
  const guest = await givenGuestWith();
  const { id } = await guest.order([{ product_id: lamp, quantity: 1 }]);
  const account = await givenAccountWith();
  await logIn(account, guest.user);
  const admin = await givenAdminShopper(app, database);
  const { body } = await admin.send('GET', `/admin/orders?user=${account.id}`);
  expect(body.orders).toMatchObject([{ id }]);
});

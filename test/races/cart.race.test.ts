import { CartRepository } from '../../src/cart/cart.repository.js';
import { CartService } from '../../src/cart/cart.service.js';
import { DatabaseService } from '../../src/platform/database/database.service.js';
import { Statement, type Tx } from '../../src/platform/database/statement.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { givenCustomer } from '../support/given.js';

let database: TestDatabase;
const apps: TestApp[] = [];

beforeAll(async () => {
  database = await cloneDatabase();
});
afterAll(async () => {
  for (const app of apps) await app.close();
  await database.drop();
});

type Arrange = (repository: CartRepository) => void;

async function givenApp(arrange: Arrange = () => undefined): Promise<TestApp> {
  const app = await bootApp(database, {}, (nest) => arrange(nest.get(CartRepository)));
  apps.push(app);
  return app;
}

interface Shopper {
  id: number;
  token: string;
}

async function send(
  app: TestApp,
  { token }: Shopper,
  method: string,
  path: string,
  body?: object,
  key?: string,
) {
  const answer = await fetch(`${app.url}/api/v1/cart${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${token}`,
      ...(body ? { 'Content-Type': 'application/json' } : {}),
      ...(key ? { 'Idempotency-Key': key } : {}),
    },
    body: body && JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

const add = (app: TestApp, shopper: Shopper, product_id: number, quantity: number, key?: string) =>
  send(app, shopper, 'POST', '/items', { product_id, quantity }, key);

/** A customer whose cart holds so many mice. */
async function givenLineOf(quantity: number, app: TestApp): Promise<Shopper> {
  const shopper = await givenCustomer(app);
  expect((await add(app, shopper, 2, quantity)).status).toBe(200);
  return shopper;
}

async function quantityOf(shopper: Shopper, productId = 2): Promise<number> {
  const text = 'SELECT quantity FROM cart_lines WHERE user_id = $1 AND product_id = $2';
  return (await database.sql<{ quantity: number }>(text, [shopper.id, productId]))[0]?.quantity ?? 0;
}

const times = <T>(count: number, work: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => work(index)));

const countOf = (answers: { status: number }[], status: number) =>
  answers.filter((answer) => answer.status === status).length;

/** Lets nobody on before all have come. */
function meeting(parties: number): () => Promise<void> {
  let here = 0;
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return async () => {
    here += 1;
    if (here === parties) open();
    await opened;
  };
}

const readQuantity = new Statement<{ quantity: number }>(
  'race-read-quantity',
  'SELECT quantity FROM cart_lines WHERE user_id = $1 AND product_id = $2',
);
const writeQuantity = new Statement(
  'race-write-quantity',
  'UPDATE cart_lines SET quantity = $3 WHERE user_id = $1 AND product_id = $2',
);

const addInPlace = new Statement(
  'race-add-in-place',
  'UPDATE cart_lines SET quantity = quantity + $3 WHERE user_id = $1 AND product_id = $2',
);

const read = async (userId: number, productId: number, tx: Tx) =>
  (await readQuantity.first([userId, productId], tx))?.quantity ?? 0;

/** Guard off: nobody waits for anybody at the cart's row. */
const withoutLock = async () => undefined;

describe('five simultaneous +1 on a line of 1', () => {
  it('give 6 by POST, over two processes', async () => {
    const [one, other] = [await givenApp(), await givenApp()];
    const shopper = await givenLineOf(1, one);
    const answers = await times(5, (index) => add(index % 2 ? one : other, shopper, 2, 1));
    expect(countOf(answers, 200)).toBe(5);
    expect(await quantityOf(shopper)).toBe(6);
  });

  it('give 6 by PATCH', async () => {
    const app = await givenApp();
    const shopper = await givenLineOf(1, app);
    const answers = await times(5, () => send(app, shopper, 'PATCH', '/items/2', { delta: 1 }));
    expect(countOf(answers, 200)).toBe(5);
    expect(await quantityOf(shopper)).toBe(6);
  });

  it('lose updates when the lock and the addition in place are taken away', async () => {
    const guarded = await givenApp();
    const shopper = await givenLineOf(1, guarded);
    const everybodyHasRead = meeting(5);
    const unguarded = await givenApp((repository) => {
      repository.take = withoutLock;
      repository.addToLine = async (userId, { product_id, quantity }, tx) => {
        const before = await read(userId, product_id, tx);
        await everybodyHasRead();
        await writeQuantity.run([userId, product_id, before + quantity], tx);
        return true;
      };
    });
    const answers = await times(5, () => add(unguarded, shopper, 2, 1));
    expect(countOf(answers, 200)).toBe(5);
    expect(await quantityOf(shopper)).toBe(2);
  });
});

describe('a hundred simultaneous +1 on a line of 50', () => {
  it('end at 99, with 51 refusals that say why', async () => {
    const app = await givenApp();
    const shopper = await givenLineOf(50, app);
    const answers = await times(100, () => add(app, shopper, 2, 1));
    expect(countOf(answers, 200)).toBe(49);
    const refused = answers.filter(({ status }) => status !== 200);
    expect(refused).toHaveLength(51);
    for (const { status, body } of refused) {
      expect([status, body.error]).toEqual([400, 'quantity must be between 1 and 99']);
    }
    expect(await quantityOf(shopper)).toBe(99);
  });

  it('pass 99 when the bound is only looked at beforehand', async () => {
    const guarded = await givenApp();
    const shopper = await givenLineOf(98, guarded);
    const everybodyHasRead = meeting(5);
    const unguarded = await givenApp((repository) => {
      repository.take = withoutLock;
      repository.changeLine = async (userId, productId, delta, tx) => {
        const wanted = (await read(userId, productId, tx)) + delta;
        await everybodyHasRead();
        if (wanted <= 99) await addInPlace.run([userId, productId, delta], tx);
        return wanted;
      };
    });
    const bounds = 'cart_lines_quantity_bounds';
    await database.sql(`ALTER TABLE cart_lines DROP CONSTRAINT ${bounds}`);
    await times(5, () => send(unguarded, shopper, 'PATCH', '/items/2', { delta: 1 }));
    expect(await quantityOf(shopper)).toBe(103);
    await database.sql('DELETE FROM carts WHERE user_id = $1', [shopper.id]);
    await database.sql(`ALTER TABLE cart_lines ADD CONSTRAINT ${bounds} CHECK (quantity BETWEEN 1 AND 99)`);
  });
});

describe('a cart that loses its last line while another is added', () => {
  it('keeps what was added, round after round', async () => {
    const app = await givenApp();
    const shopper = await givenCustomer(app);
    for (let round = 0; round < 25; round++) {
      await add(app, shopper, 1, 1);
      const answers = await Promise.all([
        send(app, shopper, 'DELETE', '/items/1'),
        add(app, shopper, 2, 1),
        send(app, shopper, 'PATCH', '/items/3', { delta: -1 }),
      ]);
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 404]);
      expect(await quantityOf(shopper)).toBe(1);
      await send(app, shopper, 'DELETE', '/items/2');
    }
    expect(await database.sql('SELECT FROM carts WHERE user_id = $1', [shopper.id])).toHaveLength(0);
  });

  it('answers 200 to whoever fills it and to whoever clears it', async () => {
    const app = await givenApp();
    const shopper = await givenCustomer(app);
    const answers = await times(60, (index) =>
      index % 3 === 0 ? send(app, shopper, 'DELETE', '') : add(app, shopper, 1 + (index % 5), 1),
    );
    expect(countOf(answers, 200)).toBe(60);
  });

  it('loses what was added when nobody takes the cart first', async () => {
    const added = meeting(2);
    const guarded = await givenApp();
    const shopper = await givenCustomer(guarded);
    await add(guarded, shopper, 1, 1);
    const unguarded = await givenApp((repository) => {
      const { addToLine, dropIfEmpty } = repository;
      repository.take = withoutLock;
      repository.addToLine = async (userId, line, tx) => {
        const done = await addToLine.call(repository, userId, line, tx);
        await added();
        await untilSomebodyWaits();
        return done;
      };
      repository.dropIfEmpty = async (userId, tx) => {
        await added();
        await dropIfEmpty.call(repository, userId, tx);
      };
    });
    const answers = await Promise.all([
      add(unguarded, shopper, 2, 1),
      send(unguarded, shopper, 'DELETE', '/items/1'),
    ]);
    expect(countOf(answers, 200)).toBe(2);
    expect(await quantityOf(shopper)).toBe(0);
  });
});

/** Until a transaction in this database waits for another's row. */
async function untilSomebodyWaits(): Promise<void> {
  const text = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  for (let look = 0; look < 1_000; look++) {
    if ((await database.sql(text)).length > 0) return;
  }
  throw new Error('nobody came to wait');
}

describe('five simultaneous calls with one idempotency key', () => {
  it('add once', async () => {
    const [one, other] = [await givenApp(), await givenApp()];
    const shopper = await givenLineOf(1, one);
    const answers = await times(5, (index) => add(index % 2 ? one : other, shopper, 2, 1, 'once'));
    for (const { status, body } of answers) {
      expect(status === 200 || body.code === 'idempotency_in_progress').toBe(true);
    }
    expect(countOf(answers, 200)).toBeGreaterThan(0);
    expect(await quantityOf(shopper)).toBe(2);
  });
});

describe('a purchase that is taken out of the cart while it is being filled', () => {
  it('takes what was bought and leaves every piece that was added', async () => {
    const app = await givenApp();
    const shopper = await givenLineOf(5, app);
    const carts = app.app.get(CartService);
    const cart = (await carts.findForCheckout(shopper.id))!;
    const settle = app.app
      .get(DatabaseService)
      .transaction((tx) => carts.removeBought(shopper.id, cart, cart.lines, tx));
    await Promise.all([times(10, () => add(app, shopper, 2, 1)), settle]);
    expect(await quantityOf(shopper)).toBe(10);
  });

  it('loses what was added when it sets what it has read', async () => {
    const guarded = await givenApp();
    const shopper = await givenLineOf(5, guarded);
    const [hasRead, mayWrite] = [meeting(2), meeting(2)];
    const unguarded = await givenApp((repository) => {
      repository.lock = async () => true;
      repository.subtract = async (userId, [line], tx) => {
        const before = await read(userId, line!.product_id, tx);
        await hasRead();
        await mayWrite();
        await writeQuantity.run([userId, line!.product_id, before - line!.quantity], tx);
      };
    });
    const carts = unguarded.app.get(CartService);
    const cart = (await carts.findForCheckout(shopper.id))!;
    const bought = [{ product_id: 2, quantity: 4 }];
    const door = unguarded.app.get(DatabaseService);
    const settle = door.transaction((tx) => carts.removeBought(shopper.id, cart, bought, tx));
    await hasRead();
    await times(10, () => add(guarded, shopper, 2, 1));
    await mayWrite();
    await settle;
    // 5 - 4 + 10 would be 11.
    expect(await quantityOf(shopper)).toBe(1);
  });
});

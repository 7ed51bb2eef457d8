import { LedgerService } from '../../src/inventory/ledger.service.js';
import { OverdueHolds } from '../../src/inventory/overdue-holds.service.js';
import { DatabaseService } from '../../src/platform/database/database.service.js';
import type { Tx } from '../../src/platform/database/tx.js';
import { currentRequest } from '../../src/platform/http/current-request.js';
import { WorkerNews } from '../../src/platform/worker-news.js';
import { CatalogRepository } from '../../src/product/catalog.repository.js';
import { CatalogCache } from '../../src/product/catalog-cache.js';
import { CatalogChanges } from '../../src/product/catalog-changes.js';
import { times } from '../support/barrier.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { eventually } from '../support/eventually.js';
import { givenApiKey } from '../support/given.js';
import { call, givenHoldIsOver, givenShopper, type Shopper } from '../support/given-shop.js';
import { scrape } from '../support/scrape.js';
import { freshCategory, freshSku, Merchant, mustBe } from './given-catalog.js';
import { csvOf, importCsv } from './given-csv.js';

const BY_HAND = { RESERVATION_SWEEP_SECONDS: '3600' };

let database: TestDatabase;
/** Keeps what it has read for as long as these tests run: what it shows anew, it has noticed. */
let app: TestApp;
/** Reads everything each time: the truth. */
let plain: TestApp;
/** Another instance, as it is run by default. */
let other: TestApp;
let admin: Merchant;
let shopper: Shopper;

beforeAll(async () => {
  database = await cloneDatabase();
  app = await bootApp(database, { PRODUCT_CACHE_MS: '60000', ...BY_HAND });
  plain = await bootApp(database, BY_HAND);
  other = await bootApp(database, { PRODUCT_CACHE_MS: '1000', ...BY_HAND });
  admin = await Merchant.at(app, database);
  shopper = await givenShopper(app);
});
afterAll(async () => {
  for (const each of [app, plain, other]) await each.close();
  await database.drop();
});

/** Runs `work`, and counts the statements that the application has read the catalog with meanwhile. */
async function readsDuring(work: () => Promise<unknown>, where = app): Promise<number> {
  const repository = where.app.get(CatalogRepository);
  const { list, find } = repository;
  let reads = 0;
  repository.list = (...given) => {
    reads += 1;
    return list.apply(repository, given);
  };
  repository.find = (...given) => {
    reads += 1;
    return find.apply(repository, given);
  };
  try {
    await work();
  } finally {
    Object.assign(repository, { list, find });
  }
  return reads;
}

const detail = async (id: number, where = app): Promise<any> =>
  mustBe(200, await call(where, null, 'GET', `/products/${id}`));

describe('what everybody looks at', () => {
  it('is read once, and then kept', async () => {
    const { id, category } = await admin.product({ category: freshCategory() });
    const reads = await readsDuring(async () => {
      for (let looks = 0; looks < 5; looks++) {
        await detail(id);
        await admin.list(`?category=${category}`);
      }
    });
    expect(reads).toBe(2);
  });

  it('is read once by fifty who come at the same time', async () => {
    const { id } = await admin.product();
    const reads = await readsDuring(() => times(50, () => detail(id)));
    expect(reads).toBe(1);
  });

  it('is read each time when the cache is off', async () => {
    const { id } = await admin.product();
    expect(await readsDuring(() => times(5, () => detail(id, plain)), plain)).toBe(5);
  });

  it('is kept by the question: other pages, orders, filters and words are other answers', async () => {
    const category = freshCategory();
    for (const price of [30, 10, 20]) await admin.product({ category, price, name: `Lamp ${price}` });
    const prices = async (query: string) =>
      (await admin.list(`?category=${category}${query}`)).map(({ price }) => price);
    for (let round = 0; round < 2; round++) {
      expect(await prices('')).toEqual([30, 10, 20]);
      expect(await prices('&sort=price')).toEqual([10, 20, 30]);
      expect(await prices('&sort=-price&limit=2')).toEqual([30, 20]);
      expect(await prices('&min_price=15')).toEqual([30, 20]);
      expect(await prices('&q=30')).toEqual([30]);
      expect((await call(app, null, 'GET', `/products?category=${category}&count=true`)).body.total).toBe(3);
      expect((await call(app, null, 'GET', '/products?cursor=')).status).toBe(400);
    }
  });

  it('is not there for a moment when it is not there, and is as soon as it is made', async () => {
    const [row] = await database.sql<{ next: number }>('SELECT max(id) + 1 AS next FROM products');
    const { next } = row!;
    const look = async () => (await call(app, null, 'GET', `/products/${next}`)).status;
    expect(await readsDuring(async () => expect([await look(), await look()]).toEqual([404, 404]))).toBe(1);
    await database.sql(`SELECT setval(pg_get_serial_sequence('products', 'id'), $1, false)`, [next]);
    expect((await admin.product()).id).toBe(next);
    expect(await look()).toBe(200);
  });

  it('is there as soon as what it is a variant of is on sale again', async () => {
    const parent = await admin.product();
    const variant = await admin.variant(parent.id);
    const look = async () => (await call(app, null, 'GET', `/products/${variant.id}`)).status;
    mustBe(200, await admin.change(parent.id, { active: false }));
    expect(await look()).toBe(404);
    mustBe(200, await admin.change(parent.id, { active: true }));
    expect(await look()).toBe(200);
  });

  it('still counts the looks', async () => {
    const { id } = await admin.product();
    await times(7, () => detail(id));
    await eventually(
      async () =>
        Number(
          (await database.sql('SELECT views FROM product_views WHERE product_id = $1', [id]))[0]?.views,
        ) === 7,
    );
  });
});

describe('admins and the public', () => {
  it('are never shown what was read for the other', async () => {
    const category = freshCategory();
    const shown = await admin.product({ category, low_stock_threshold: 3 });
    const hidden = await admin.product({ category, active: false });
    for (let round = 0; round < 2; round++) {
      for (const who of [admin.user, null, shopper.user, admin.user]) {
        const ofAdmin = who === admin.user;
        const page = await call(app, who, 'GET', `/products?category=${category}`);
        expect(page.body.products.map(({ id }: { id: number }) => id)).toEqual(
          ofAdmin ? [shown.id, hidden.id] : [shown.id],
        );
        expect('low_stock_threshold' in page.body.products[0]).toBe(ofAdmin);
        const one = await call(app, who, 'GET', `/products/${shown.id}`);
        expect('low_stock_threshold' in one.body).toBe(ofAdmin);
        expect(one.headers['cache-control']).toBe(ofAdmin ? 'private, no-cache' : 'no-cache');
        expect(one.headers.vary).toContain('Authorization');
        expect((await call(app, who, 'GET', `/products/${hidden.id}`)).status).toBe(ofAdmin ? 200 : 404);
      }
    }
  });
});

describe('what an instance has changed itself', () => {
  interface Given {
    category: string;
    id: number;
    parent: any;
    variant: any;
    order: any;
    external: string;
    reservation: any;
  }
  type Change = [string, (given: Given, look: () => Promise<unknown>) => Promise<unknown>];

  const post = async (path: string, body: object = {}, who = admin.user) =>
    mustBe2xx(await call(app, who, 'POST', path, { body }));
  const inTx = (work: (tx: Tx) => Promise<unknown>) => app.app.get(DatabaseService).transaction(work);

  async function givenEverything(): Promise<Given> {
    const category = freshCategory();
    const { id } = await admin.product({ category, stock: 5 });
    const parent = await admin.product({ category });
    const variant = await admin.variant(parent.id, { stock: 2 });
    const order = await shopper.order([{ product_id: id, quantity: 1 }]);
    const external = `WEB-${id}`;
    await post('/inventory/decrement', { order_id: external, items: [{ product_id: id, quantity: 1 }] });
    const reservation = await post('/inventory/reservations', {
      order_id: `HELD-${id}`,
      items: [{ product_id: id, quantity: 1 }],
      ttl_seconds: 600,
    });
    return { category, id, parent, variant, order, external, reservation };
  }

  const CHANGES: Change[] = [
    ['a product', ({ category }) => admin.product({ category })],
    ['a variant', ({ parent }) => admin.variant(parent.id, { stock: 7 })],
    ['a price', ({ id }) => admin.change(id, { price: 7 })],
    ['a price of a variant', ({ variant }) => admin.change(variant.id, { price: 7 })],
    ['a parent that is not active', ({ parent }) => admin.change(parent.id, { active: false })],
    [
      'a parent that is active again',
      async ({ parent }, look) => {
        await admin.change(parent.id, { active: false });
        await look();
        // Another price, so that it is not as it was before.
        await admin.change(parent.id, { active: true, price: 7 });
      },
    ],
    ['a category', ({ id }) => admin.change(id, { category: freshCategory() })],
    [
      'a storefront',
      async ({ parent }) => {
        const { id } = await post('/admin/storefronts', { name: 'Annex' });
        await admin.change(parent.id, { storefront_id: id });
      },
    ],
    ['a deletion', ({ id }) => admin.send('DELETE', `/products/${id}`)],
    ['a deletion of a parent', ({ parent }) => admin.send('DELETE', `/products/${parent.id}`)],
    [
      'many at once',
      ({ id, category }) =>
        post('/products/bulk', {
          operations: [
            { op: 'update', id, price: 3 },
            { op: 'create', sku: freshSku(), name: 'Lamp', price: 1, category },
          ],
        }),
    ],
    [
      'a file',
      ({ category }) =>
        importCsv(app, admin.user, csvOf('sku,name,price,category', `${freshSku()},Lamp,9,${category}`)),
    ],
    ['a movement', ({ id }) => post('/inventory/movements', { product_id: id, type: 'in', quantity: 4 })],
    [
      'a count of a variant',
      ({ variant }) => post('/inventory/bulk', { items: [{ product_id: variant.id, quantity: 0 }] }),
    ],
    [
      'a decrement of the last',
      ({ id }) =>
        post('/inventory/decrement', { order_id: `LAST-${id}`, items: [{ product_id: id, quantity: 2 }] }),
    ],
    ['a rollback', ({ external }) => post('/inventory/rollback', { order_id: external })],
    [
      'a hold',
      ({ id }) =>
        post('/inventory/reservations', {
          order_id: `HOLD-${id}`,
          items: [{ product_id: id, quantity: 1 }],
          ttl_seconds: 600,
        }),
    ],
    [
      'the end of a hold',
      ({ reservation }) =>
        post(`/inventory/reservations/${reservation.id}/release`, { reason: 'sold elsewhere' }),
    ],
    ['an order', ({ id }) => shopper.order([{ product_id: id, quantity: 1 }])],
    ['an order of the last', ({ id }) => shopper.order([{ product_id: id, quantity: 2 }])],
    ['an order of a variant', ({ variant }) => shopper.order([{ product_id: variant.id, quantity: 2 }])],
    [
      'a checkout',
      async ({ id }) => {
        const buyer = await givenShopper(app);
        await buyer.add(id, 2);
        mustBe2xx(await buyer.checkout({ payment_method: 'cod' }));
      },
    ],
    ['a cancelled order', ({ order }) => shopper.cancel(order.id)],
    [
      'an order that was not paid in time',
      async ({ order }) => {
        await givenHoldIsOver(database, order.id);
        await app.app.get(OverdueHolds).sweep();
      },
    ],
    [
      'an order that takes what an overdue hold keeps',
      async ({ id, order }) => {
        await givenHoldIsOver(database, order.id);
        await shopper.order([{ product_id: id, quantity: 3 }]);
      },
    ],
    [
      'a return',
      async ({ order, id }) => {
        await inTx((tx) =>
          app.app.get(LedgerService).restock(order.id, 1, [{ product_id: id, quantity: 1 }], 'back', tx),
        );
      },
    ],
    [
      'an order that was revived',
      async ({ order }, look) => {
        await shopper.cancel(order.id);
        await look();
        // Past the service, so that it is not as it was before the cancel.
        await database.sql(`UPDATE products SET description = 'new' WHERE id = $1`, [
          order.items[0].product_id,
        ]);
        await inTx((tx) => app.app.get(LedgerService).takeAgain(order.id, tx));
      },
    ],
  ];

  /** Everything that is shown of what is given, to everybody and to admins. */
  async function shownBy(where: TestApp, { category, id, parent, variant }: Given): Promise<unknown[]> {
    const paths = [
      ...[id, parent.id, variant.id].map((each) => `/products/${each}`),
      ...['', '&in_stock=true&count=true', '&in_stock=false'].map(
        (query) => `/products?category=${category}${query}`,
      ),
    ];
    const asked = paths.flatMap((path) => [null, admin.user].map((who) => call(where, who, 'GET', path)));
    return (await Promise.all(asked)).map(({ status, body }) => [status, withoutChance(body)]);
  }

  it.each(CHANGES)('is shown at once: %s', async (_, change) => {
    const given = await givenEverything();
    const before = await shownBy(app, given);
    await change(given, () => shownBy(app, given));
    const after = await shownBy(app, given);
    expect(after).toEqual(await shownBy(plain, given));
    expect(after).not.toEqual(before);
  });

  it('leaves what it has not touched where it is', async () => {
    const mine = await admin.product({ category: freshCategory(), stock: 5 });
    const others = await admin.product({ category: freshCategory(), stock: 5 });
    const look = async () => {
      await detail(others.id);
      await admin.list(`?category=${others.category}`);
    };
    await look();
    await shopper.order([{ product_id: mine.id, quantity: 1 }]);
    expect(await readsDuring(look)).toBe(0);
  });

  it('changes nothing when it is rolled back', async () => {
    const { id, category } = await admin.product({ category: freshCategory(), stock: 5 });
    await detail(id);
    await admin.list(`?category=${category}`);
    await expect(
      inTx(async (tx) => {
        await app.app.get(LedgerService).enter([movement(id, 3)], null, null, tx);
        throw new Error('undone');
      }),
    ).rejects.toThrow('undone');
    const reads = await readsDuring(async () => {
      await detail(id);
      await admin.list(`?category=${category}`);
    });
    expect(reads).toBe(0);
  });

  it('is shown in order: under orders at once, nobody sees less sold than they were told', async () => {
    const { id } = await admin.product({ stock: 100 });
    let sold = 0;
    let looks = 0;
    const buyers = times(4, async () => {
      for (let orders = 0; orders < 6; orders++) {
        await shopper.order([{ product_id: id, quantity: 1 }]);
        sold += 1;
      }
    });
    let isOver = false;
    const lookers = times(4, async () => {
      while (!isOver) {
        const atLeast = sold;
        expect((await detail(id)).stock).toBeLessThanOrEqual(100 - atLeast);
        looks += 1;
      }
    });
    await buyers;
    isOver = true;
    await lookers;
    expect(looks).toBeGreaterThan(20);
    expect((await detail(id)).stock).toBe(76);
  });
});

describe('a read that a commit overtakes', () => {
  /** Somebody has read the product and is not answered yet, while its price is changed from 10 to 20. */
  async function race(where: TestApp): Promise<{ later: number; last: number }> {
    const merchant = await Merchant.at(where, database);
    const { id } = await merchant.product({ price: 10 });
    const read = heldRead(where);
    const first = detail(id, where);
    await read.hasCome;
    mustBe(200, await merchant.change(id, { price: 20 }));
    const asked = nextQuestion(where);
    const later = detail(id, where);
    await asked;
    read.letGo();
    expect((await first).price).toBe(10);
    return { later: (await later).price, last: (await detail(id, where)).price };
  }

  /** The next read of a product has its answer from the database, and keeps it until it is let go. */
  function heldRead(where: TestApp): { hasCome: Promise<void>; letGo(): void } {
    const repository = where.app.get(CatalogRepository);
    const { find } = repository;
    let letGo = () => {};
    const gate = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const hasCome = new Promise<void>((resolve) => {
      repository.find = async (id) => {
        repository.find = find;
        const found = await find.call(repository, id);
        resolve();
        await gate;
        return found;
      };
    });
    return { hasCome, letGo: () => letGo() };
  }

  /** Somebody has asked the cache, and it has decided what to do. */
  function nextQuestion(where: TestApp): Promise<void> {
    const cache = where.app.get(CatalogCache);
    const { answer } = cache;
    return new Promise((resolve) => {
      cache.answer = (...asked) => {
        cache.answer = answer;
        const answered = answer.apply(cache, asked);
        resolve();
        return answered;
      };
    });
  }

  it('is not shown to who comes after the change, and is not kept', async () => {
    expect(await race(app)).toEqual({ later: 20, last: 20 });
  });

  it('(control) is both when nobody notes the change', async () => {
    const careless = await bootApp(database, { PRODUCT_CACHE_MS: '60000', ...BY_HAND }, (nest) => {
      nest.get(CatalogChanges).note = () => undefined;
    });
    try {
      expect(await race(careless)).toEqual({ later: 10, last: 10 });
    } finally {
      await careless.close();
    }
  });
});

describe("another instance's change", () => {
  it('is shown in about a second', async () => {
    const { id, category } = await admin.product({ category: freshCategory(), stock: 5 });
    expect((await detail(id, other)).stock).toBe(5);
    await call(other, null, 'GET', `/products?category=${category}`);
    const start = performance.now();
    await shopper.order([{ product_id: id, quantity: 2 }]);
    await eventually(async () => (await detail(id, other)).stock === 3, { within: 5_000 });
    await eventually(
      async () =>
        (await call(other, null, 'GET', `/products?category=${category}`)).body.products[0].stock === 3,
      { within: 5_000 },
    );
    expect(performance.now() - start).toBeLessThan(3_000);
  });
});

describe('what belongs to somebody', () => {
  /** The statements of a request, the questions about who is calling left out. */
  async function statementsOf(work: () => Promise<unknown>): Promise<string[]> {
    const door = app.app.get(DatabaseService);
    const { read, transaction } = door;
    const names: string[] = [];
    const note = (name: string) => {
      // What runs by itself meanwhile is nobody's request.
      if (currentRequest() !== undefined && !/^(user|api-key)-/.test(name)) names.push(name);
    };
    door.read = (statement, values) => {
      note(statement.name);
      return read.call(door, statement, values) as Promise<never>;
    };
    door.transaction = (wanted) => {
      note('transaction');
      return transaction.call(door, wanted) as Promise<never>;
    };
    try {
      await work();
    } finally {
      Object.assign(door, { read, transaction });
    }
    return names;
  }

  it('is read fresh, each time, in one statement', async () => {
    const { id } = await admin.product({ stock: 50, low_stock_threshold: 60 });
    const buyer = await givenShopper(app);
    await buyer.add(id, 2);
    const order = await buyer.order([{ product_id: id, quantity: 1 }]);
    const key = await givenApiKey(app, 'inventory:read');
    const reservation = mustBe2xx(
      await call(app, admin.user, 'POST', '/inventory/reservations', {
        body: { order_id: `MINE-${id}`, items: [{ product_id: id, quantity: 1 }], ttl_seconds: 600 },
      }),
    );
    const asSystem = (path: string) => call(app, null, 'GET', path, { headers: key.headers });
    // The first use of a key is noted.
    await asSystem('/inventory/summary');
    const READS: [string, () => Promise<{ status: number }>][] = [
      ['cart-find-lines', () => buyer.send('GET', '/cart')],
      ['order-find', () => buyer.get(order.id)],
      ['order-list-of-user', () => buyer.list()],
      ['', () => asSystem(`/inventory/movements?product_id=${id}`)],
      ['stock-sum-up', () => asSystem('/inventory/summary')],
      ['', () => asSystem('/inventory/low-stock')],
      ['reservation-list', () => asSystem('/inventory/reservations')],
      ['reservation-find-with-items', () => asSystem(`/inventory/reservations/${reservation.id}`)],
    ];
    for (const [name, read] of READS) {
      for (let round = 0; round < 2; round++)
        expect(await statementsOf(async () => expect((await read()).status).toBe(200))).toEqual([name]);
    }
    // Even what is changed past every instance.
    await database.sql('UPDATE cart_lines SET quantity = 9 WHERE user_id = $1', [buyer.id]);
    await database.sql(`UPDATE orders SET tracking_number = 'X' WHERE id = $1`, [order.id]);
    expect(await buyer.cart()).toEqual([{ product_id: id, quantity: 9 }]);
    expect((await buyer.get(order.id)).body.tracking_number).toBe('X');
    expect((await buyer.get(order.id)).headers.etag).toBeUndefined();
  });
});

describe('the metrics', () => {
  it('tell hits, misses and shared answers, and how old what was shown was', async () => {
    const counted = async (cache: string, outcome: string) =>
      (await scrape(app)).figure('product_cache_requests_total', { cache, outcome }) ?? 0;
    const { id } = await admin.product();
    const [hits, misses] = [await counted('detail', 'hit'), await counted('detail', 'miss')];
    await detail(id);
    await detail(id);
    expect(await counted('detail', 'miss')).toBe(misses + 1);
    expect(await counted('detail', 'hit')).toBe(hits + 1);
    expect(await counted('detail', 'shared')).toBeGreaterThan(0);
    expect(await counted('list', 'hit')).toBeGreaterThan(0);
    await scrape(app);
    expect((await scrape(app)).figure('product_cache_lag_seconds')).toBe(0);
    await database.sql('SELECT pg_sleep(0.05)');
    await detail(id);
    expect((await scrape(app)).figure('product_cache_lag_seconds')).toBeGreaterThan(0.05);
  });
});

describe('the memory of changes', () => {
  const committing = { afterCommit: (work: () => void) => work() } as unknown as Tx;
  const detailOf = (id: number, readAt: number) => ({
    readAt,
    productIds: [id],
    isPage: false,
    isByStock: false,
  });

  it('ends, and then everything counts as changed, once', () => {
    const changes = new CatalogChanges(new WorkerNews());
    const before = detailOf(1, changes.now);
    for (let id = 2; id <= 10_001; id++) changes.note({ productIds: [id], kind: 'stock' }, committing);
    expect(changes.leave(before)).toBe(true);
    changes.note({ productIds: [10_002], kind: 'stock' }, committing);
    expect(changes.leave(before)).toBe(false);
    expect(changes.leave(detailOf(1, changes.now))).toBe(true);
  });
});

function movement(product_id: number, delta: number) {
  return { product_id, kind: 'in' as const, delta, stock_after: 5 + delta };
}

function mustBe2xx({ status, body }: { status: number; body: any }): any {
  if (status >= 300) throw new Error(`${status}: ${JSON.stringify(body)}`);
  return body;
}

/** Views are counted by the second, and a request has its own id. */
function withoutChance(body: any): unknown {
  return JSON.parse(
    JSON.stringify(body, (key, value) => (['views', 'request_id'].includes(key) ? null : value)),
  );
}

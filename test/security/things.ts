import { randomUUID } from 'node:crypto';
import type { TestApp, TestDatabase } from '../support/boot.js';
import { givenCustomer } from '../support/given.js';
import { newCode } from '../support/given-benefits.js';
import { givenProduct, type Shopper } from '../support/given-shop.js';

/** The id of one real thing, by the path of its collection: what `{id}` in a path of the document can stand for. */
export type Things = Record<string, string | number>;

/** One real thing of each kind that has an id in a path. What somebody owns is Ada's. */
export async function givenThings(
  app: TestApp,
  database: TestDatabase,
  ada: Shopper,
  admin: Shopper,
): Promise<Things> {
  const product_id = await givenProduct(database, { stock: 1_000 });
  const items = [{ product_id, quantity: 1 }];
  const make = async (path: string, body: object): Promise<any> => {
    const answer = await admin.send('POST', path, { body });
    if (answer.status !== 201) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const order = await ada.order(items);
  const payment = await ada.pay(order.id);
  await ada.add(product_id, 2);
  const checkout = await ada.checkout();
  await ada.add(product_id, 2);
  const endpoint = await make('/admin/webhook-endpoints', {
    url: 'http://127.0.0.1:9/hooks',
    events: ['payment.refunded'],
  });
  return {
    products: product_id,
    'cart/items': product_id,
    storefronts: 1,
    'admin/storefronts': (await make('/admin/storefronts', { name: 'Lamps of Lapland' })).id,
    orders: order.id,
    'admin/orders': order.id,
    payments: payment.body.id,
    checkout: checkout.body.checkout_id,
    discounts: (await make('/discounts', { code: newCode(), kind: 'fixed', value: 1 })).id,
    'inventory/reservations': (await make('/inventory/reservations', { order_id: randomUUID(), items })).id,
    'admin/users': (await givenCustomer(app)).id,
    'admin/api-keys': (await make('/admin/api-keys', { name: 'warehouse', scopes: ['inventory:read'] })).id,
    'admin/webhook-endpoints': endpoint.id,
    'admin/webhook-deliveries': await givenDelivery(database, endpoint.id),
    'admin/dead-letters': await givenDeadLetter(database),
    'admin/events': await eventOf(database),
  };
}

async function givenDelivery(database: TestDatabase, endpointId: number): Promise<string> {
  const id = randomUUID();
  await database.sql(
    `INSERT INTO webhook_deliveries (id, endpoint_id, event_id, type, body, status)
     VALUES ($1, $2, gen_random_uuid(), 'order.paid', '{}', 'failed')`,
    [id, endpointId],
  );
  return id;
}

async function givenDeadLetter(database: TestDatabase): Promise<string> {
  const id = randomUUID();
  await database.sql(
    `INSERT INTO dead_letters (id, job_id, event_id, consumer, error, attempts)
     SELECT $1, gen_random_uuid(), id, 'stock-watch', 'it did not work', 8 FROM events ORDER BY id LIMIT 1`,
    [id],
  );
  return id;
}

async function eventOf(database: TestDatabase): Promise<string> {
  const [event] = await database.sql('SELECT id FROM events ORDER BY id LIMIT 1');
  return (event as { id: string }).id;
}

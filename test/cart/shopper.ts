import request from 'supertest';
import type { TestApp, TestDatabase } from '../support/boot.js';
import { givenCustomer } from '../support/given.js';

export const QUANTITY = 'quantity must be between 1 and 99';

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** A new customer's way to their own cart. */
export async function givenShopper(app: TestApp) {
  const { id, token } = await givenCustomer(app);
  const call = (method: Method, path = '') =>
    request(app.url)[method](`/api/v1/cart${path}`).set('Authorization', `Bearer ${token}`);
  return {
    id,
    token,
    call,
    get: () => call('get'),
    add: (product_id: unknown, quantity: unknown) =>
      call('post', '/items').send({ product_id, quantity } as object),
    set: (product_id: unknown, quantity: unknown) =>
      call('put', `/items/${product_id}`).send({ quantity } as object),
    change: (product_id: unknown, delta: unknown) =>
      call('patch', `/items/${product_id}`).send({ delta } as object),
    remove: (product_id: unknown) => call('delete', `/items/${product_id}`),
    clear: () => call('delete'),
  };
}

/** A product that no other test touches. */
export async function givenProduct(
  database: TestDatabase,
  members: { stock?: number; active?: boolean; price_minor?: number } = {},
): Promise<number> {
  const { stock = 100, active = true, price_minor = 1_000 } = members;
  const [row] = await database.sql<{ id: number }>(
    `INSERT INTO products (sku, name, price_minor, stock, first_count, active)
     VALUES (gen_random_uuid(), 'Lamp', $1, $2, $2, $3) RETURNING id`,
    [price_minor, stock, active],
  );
  return row!.id;
}

export function expectProblem(answer: request.Response, status: number, code: string, text: string) {
  expect(answer.status).toBe(status);
  expect(answer.type).toBe('application/problem+json');
  expect(answer.body).toMatchObject({ status, code, detail: text, error: text });
}

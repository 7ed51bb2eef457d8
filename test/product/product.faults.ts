import type { Response } from 'supertest';

/** The answer names this one field as wrong, in words and by name. */
export function expectFault(answer: Response, field: string) {
  expect(answer.type).toBe('application/problem+json');
  expect(answer.body).toMatchObject({ status: 400, code: 'validation_failed' });
  expect(answer.body.errors.map((fault: { field: string }) => fault.field)).toEqual([field]);
  expect(answer.body.error).toBe(answer.body.detail);
  expect(answer.body.detail).toContain(field);
}

/** What no product may have, whether it is made or changed. */
export const FAULTS: [string, unknown][] = [
  ['sku', ''],
  ['sku', '   '],
  ['sku', 'x'.repeat(65)],
  ['sku', 5],
  ['sku', null],
  ['sku', 'A\u0000B'],
  ['name', ''],
  ['name', ' \t '],
  ['name', 'x'.repeat(201)],
  ['name', ['Lamp']],
  ['name', null],
  ['name', '\ud800'],
  ['description', null],
  ['description', 5],
  ['description', 'x'.repeat(10_001)],
  ['price', 0],
  ['price', -1],
  ['price', '19.90'],
  ['price', null],
  ['price', true],
  ['price', {}],
  ['price', 19.999],
  ['price', 0.001],
  ['price', 1_000_000_000.01],
  ['price', 1e300],
  ['category', ''],
  ['category', 5],
  ['category', 'x'.repeat(101)],
  ['image_url', ''],
  ['image_url', 'javascript:alert(1)'],
  ['image_url', 'data:image/png;base64,AA=='],
  ['image_url', 'ftp://shop.example/a.png'],
  ['image_url', '//shop.example/a.png'],
  ['image_url', 'https://'],
  ['image_url', 'https://shop.example/a b.png'],
  ['image_url', 'https://shop.example/"><script>'],
  ['image_url', `https://shop.example/${'x'.repeat(2_000)}`],
  ['image_url', 5],
  ['low_stock_threshold', -1],
  ['low_stock_threshold', 1.5],
  ['low_stock_threshold', '5'],
  ['low_stock_threshold', 2 ** 31],
  ['low_stock_threshold', null],
  ['active', 'true'],
  ['active', 1],
  ['active', null],
  ['id', 77],
  ['version_', 1],
  ['currency', 'EUR'],
  ['first_count', 5],
  ['deleted_at', null],
  ['storefront_id', 0],
  ['storefront_id', 1.5],
  ['storefront_id', '1'],
  ['storefront_id', 2 ** 31],
  ['parent_id', 1],
  ['role', 'admin'],
];

import fc from 'fast-check';
import { guarded, unguarded } from '../../src/product/csv/columns.js';
import { SeenKeys } from '../../src/product/csv/seen-keys.js';

describe('a text in a file', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc
      .array(fc.constantFrom("'", '=', '+', '-', '@', '\t', '\r', '\n', '＝', 'a', ' '))
      .map((parts) => parts.join('')),
  );

  it('comes back as it was, and is no formula', () => {
    fc.assert(
      fc.property(text, (value) => {
        expect(unguarded(guarded(value))).toBe(value);
        expect(guarded(value)).not.toMatch(/^[=+\-@\t\r\n＝＋－＠]/);
      }),
    );
  });

  it('is left alone when nobody would take it for a formula', () => {
    for (const value of ['', 'Lamp', "'s-Hertogenbosch", "it's", '16"', ' =1']) {
      expect(guarded(value)).toBe(value);
      expect(unguarded(value)).toBe(value);
    }
  });
});

describe('the keys of a file', () => {
  it('are known again, however many there are', () => {
    const seen = new SeenKeys();
    const keys = Array.from({ length: 20_000 }, (_, index) => `${index % 3} SKU-${index}`);
    expect(keys.every((key) => seen.add(key))).toBe(true);
    expect(keys.some((key) => seen.add(key))).toBe(false);
    expect(seen.add('3 SKU-1')).toBe(true);
  });
});

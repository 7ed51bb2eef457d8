import fc from 'fast-check';
import { loadConfig } from '../../src/platform/config/config.js';
import { digitsOf } from '../../src/platform/currency.js';
import { ValidationFailed } from '../../src/platform/errors.js';
import { Money } from '../../src/platform/money.js';

const moneyOf = (currency: string) => new Money(loadConfig({ NODE_ENV: 'test', CURRENCY: currency }));

/** The decimal that so many minor units are, made without any division. */
function decimalOf(minor: number, digits: number): string {
  const text = String(minor).padStart(digits + 1, '0');
  const [whole, fraction] = [text.slice(0, text.length - digits), text.slice(text.length - digits)];
  return digits === 0 ? whole : `${whole}.${fraction}`.replace(/\.?0+$/, '');
}

describe.each([
  ['JPY', 0],
  ['USD', 2],
  ['KWD', 3],
])('money in %s', (currency, digits) => {
  const money = moneyOf(currency);
  const minors = fc.integer({ min: 0, max: 1e15 });

  it('knows its currency and its decimals', () => {
    expect([money.currency, money.digits, digitsOf(currency)]).toEqual([currency, digits, digits]);
  });

  it('comes back as the same minor units', () => {
    fc.assert(fc.property(minors, (minor) => money.minorOf(money.majorOf(minor), 'price') === minor));
  });

  it('prints as the decimal that is meant', () => {
    fc.assert(
      fc.property(minors, (minor) => {
        expect(JSON.stringify(money.majorOf(minor))).toBe(decimalOf(minor, digits));
      }),
    );
  });

  it('reads the decimal that a client writes', () => {
    fc.assert(
      fc.property(minors, (minor) => {
        expect(money.minorOf(JSON.parse(decimalOf(minor, digits)), 'price')).toBe(minor);
      }),
    );
  });

  it('refuses an amount finer than its minor unit, and names the field', () => {
    const finer = fc.tuple(fc.integer({ min: 0, max: 1e12 }), fc.integer({ min: 1, max: 9 }));
    fc.assert(
      fc.property(finer, ([minor, tenth]) => {
        const amount = Number(`${decimalOf(minor * 10 + tenth, digits + 1)}`);
        expect(() => money.minorOf(amount, 'price')).toThrow(
          ValidationFailed.of('price', `price must be exact to ${digits} decimals`),
        );
      }),
    );
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e300, 1e-300])(
    'refuses %p',
    (amount) => {
      expect(() => money.minorOf(amount, 'price')).toThrow(ValidationFailed);
    },
  );
});

describe('sums', () => {
  it('of what floating point gets wrong are refused, and right in minor units', () => {
    const money = moneyOf('USD');
    expect(() => money.minorOf(0.1 + 0.2, 'expected_total')).toThrow(ValidationFailed);
    expect(money.majorOf(money.minorOf(0.1, 'price') + money.minorOf(0.2, 'price'))).toBe(0.3);
  });
});

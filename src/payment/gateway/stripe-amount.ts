import { currencyDecimals } from './yookassa-amount.js';

/**
 * Stripe counts in minor units as well, but not always in ours: for it the forint, the rupiah and the Icelandic króna have
 * two decimals, and for us, as for Intl, none. https://docs.stripe.com/currencies#minor-units-in-api-amounts
 */
const zeroDecimal = new Set('BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF'.split(' '));
/** Stripe takes these only in whole tens of their smallest unit, and prices may be finer. */
const roundedToTens = new Set('BHD JOD KWD OMR TND'.split(' '));

/** Why an amount in this currency cannot always be said to Stripe exactly; null when it can. */
export function whyNotInStripe(currency: string): string | null {
  if (roundedToTens.has(currency)) return 'Stripe rounds its smallest unit to tens';
  return factorOf(currency) === null ? 'Stripe counts it in larger units' : null;
}

/** Our minor units to Stripe's: 1234 USD stays 1234, 1234 HUF is 123400. @throws RangeError where `whyNotInStripe`. */
export function toStripeAmount(amountMinor: number, currency: string): number {
  const factor = whyNotInStripe(currency) === null ? factorOf(currency) : null;
  if (factor === null) throw new RangeError(`${currency} cannot be charged through Stripe`);
  return amountMinor * factor;
}

/** Stripe's minor units to ours. @returns null when that is no whole number, or the currency is not one of both. */
export function fromStripeAmount(amount: number, currency: string): number | null {
  const factor = factorOf(currency);
  if (factor === null) return null;
  const amountMinor = amount / factor;
  return Number.isSafeInteger(amountMinor) ? amountMinor : null;
}

/** How many of Stripe's units one of ours is; null when it is less than one. */
function factorOf(currency: string): number | null {
  const ours = currencyDecimals(currency);
  if (ours === null) return null;
  const theirs = zeroDecimal.has(currency) ? 0 : roundedToTens.has(currency) ? 3 : 2;
  return theirs < ours ? null : 10 ** (theirs - ours);
}

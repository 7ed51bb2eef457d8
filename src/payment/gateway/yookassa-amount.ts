/** Money as the YooKassa v3 protocol writes it: a decimal string with exactly the currency's decimals. */
export interface YookassaAmount {
  value: string;
  currency: string;
}

/** Integer minor units to the protocol's decimals: 1234 USD is `12.34`, 1234 JPY is `1234`. */
export function toYookassaAmount(amountMinor: number, currency: string): YookassaAmount {
  const decimals = currencyDecimals(currency) ?? 2;
  // Digits are moved as text: dividing would bring back the binary fractions that minor units keep out.
  const digits = String(amountMinor).padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const value = decimals === 0 ? whole : `${whole}.${digits.slice(-decimals)}`;
  return { value, currency };
}

/**
 * The protocol's decimals to integer minor units.
 * @returns null when the value is not written with exactly the currency's decimals, or the currency is unknown.
 */
export function toMinorUnits(amount: YookassaAmount): number | null {
  const decimals = currencyDecimals(amount.currency);
  if (decimals === null) return null;
  const [whole = '', fraction = '', ...more] = amount.value.split('.');
  const wellFormed = /^(0|[1-9]\d*)$/.test(whole) && /^\d*$/.test(fraction) && more.length === 0;
  if (!wellFormed || fraction.length !== decimals || (decimals === 0 && amount.value.includes('.')))
    return null;
  const amountMinor = Number(whole + fraction);
  return Number.isSafeInteger(amountMinor) ? amountMinor : null;
}

// Asking Intl costs tens of microseconds; the codes of ISO 4217 are few, so the answers are kept.
const decimalsByCurrency = new Map<string, number>();
const knownCurrencies = new Set(Intl.supportedValuesOf('currency'));

/** How many decimals ISO 4217 gives a currency; null for a code that is none. */
export function currencyDecimals(currency: string): number | null {
  if (!knownCurrencies.has(currency)) return null;
  let decimals = decimalsByCurrency.get(currency);
  if (decimals === undefined) {
    const format = new Intl.NumberFormat('en', { style: 'currency', currency });
    decimals = format.resolvedOptions().maximumFractionDigits ?? 2;
    decimalsByCurrency.set(currency, decimals);
  }
  return decimals;
}

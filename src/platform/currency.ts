/** How many decimals ISO 4217 gives the currency. */
export function digitsOf(currency: string): number {
  return (
    new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2
  );
}

/** Whether an amount in major units is a whole number of the currency's minor units. */
export function isExactIn(currency: string, major: number): boolean {
  const factor = 10 ** digitsOf(currency);
  const minor = Math.round(major * factor);
  return minor / factor === major && Number.isSafeInteger(minor);
}

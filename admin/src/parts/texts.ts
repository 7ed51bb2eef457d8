const TIME: Intl.DateTimeFormatOptions = { dateStyle: 'medium', timeStyle: 'short' };

/** An amount in major units, as the API has it. Without a currency, as a plain number. */
export function moneyText(amount: number, currency?: string): string {
  if (!currency) return amount.toLocaleString();
  return new Intl.NumberFormat(undefined, { style: 'currency', currency }).format(amount);
}

/** A time in the reader's own zone. */
export function timeText(iso: string | null | undefined): string {
  return iso ? new Date(iso).toLocaleString(undefined, TIME) : '–';
}

/** `partially_refunded` as people write it. */
export function wordsOf(name: string): string {
  const words = name.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Enough of a long id to tell it from its neighbours: UUIDv7 begin with the time, so their ends differ. */
export function shortId(id: string): string {
  return id.length > 12 ? `…${id.slice(-8)}` : id;
}

const TIME = { month: 'short', day: 'numeric', hour: 'numeric', minute: '2-digit' } as const;

/** An amount in major units, as the API has it. Without a currency, as a plain number. */
export function moneyText(amount: number, currency?: string): string {
  if (!currency) return amount.toLocaleString();
  return new Intl.NumberFormat(undefined, { style: 'currency', currency }).format(amount).replace('-', '−');
}

/** A time in the reader's own zone; the year only if it is another than this one. */
export function timeText(iso: string | null | undefined): string {
  if (!iso) return '–';
  const time = new Date(iso);
  const isThisYear = time.getFullYear() === new Date().getFullYear();
  return time.toLocaleString(undefined, isThisYear ? TIME : { ...TIME, year: 'numeric' });
}

/** A day in the reader's own zone. */
export function dayText(time: Date): string {
  return time.toLocaleDateString(undefined, { month: 'short', day: 'numeric' });
}

const OWN_WORDS: Record<string, string> = { cod: 'Cash on delivery', e_wallet: 'E-wallet' };

/** `partially_refunded` as people write it. */
export function wordsOf(name: string): string {
  if (OWN_WORDS[name]) return OWN_WORDS[name];
  const words = name.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Enough of a long id to tell it from its neighbours: UUIDv7 begin with the time, so their ends differ. */
export function shortId(id: string): string {
  return id.length > 12 ? `…${id.slice(-8)}` : id;
}

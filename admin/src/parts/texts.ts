const TIME = { month: 'short', day: 'numeric', hour: 'numeric', minute: '2-digit' } as const;

/** An amount in major units, as the API has it. Without a currency, as a plain number. */
export function moneyText(amount: number, currency?: string): string {
  if (!currency) return amount.toLocaleString();
  return new Intl.NumberFormat(undefined, { style: 'currency', currency }).format(amount).replace('-', '−');
}

/** Of a hundred. */
export const percentText = (percent: number) => `${percent.toLocaleString()} %`;

/** How the reader's country writes amounts of the currency: its sign, whether that comes first, and how many decimals. */
export function writingOf(currency: string): { sign: string; isFirst: boolean; digits: number } {
  const format = new Intl.NumberFormat(undefined, { style: 'currency', currency });
  const parts = format.formatToParts(1);
  const at = parts.findIndex(({ type }) => type === 'currency');
  return {
    sign: parts[at]?.value ?? currency,
    isFirst: at < parts.findIndex(({ type }) => type === 'integer'),
    digits: format.resolvedOptions().maximumFractionDigits ?? 0,
  };
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

/** `1 event`, `2,000 events`. */
export const countedText = (count: number, one: string) =>
  `${count.toLocaleString()} ${one}${count === 1 ? '' : 's'}`;

const UNITS = [
  [86_400, 'day'],
  [3_600, 'hour'],
  [60, 'minute'],
  [1, 'second'],
] as const;

/** `1 hour 30 minutes`. */
export function durationText(seconds: number): string {
  let rest = Math.round(seconds);
  const parts = UNITS.flatMap(([length, unit]) => {
    const count = Math.floor(rest / length);
    rest -= count * length;
    return count > 0 ? [`${count} ${unit}${count === 1 ? '' : 's'}`] : [];
  });
  return parts.join(' ') || '0 seconds';
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

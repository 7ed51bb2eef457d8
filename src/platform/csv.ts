/** Longer than any row that makes sense: a quote that is not closed must not gather the rest of the file. */
const ROW_BYTES_MAX = 100_000;
/** What follows a quote that is not closed is read a second time. A file made for that would be read over and over again. */
const REREAD_BYTES_MAX = 8_388_608;

const [QUOTE, COMMA, CR, LF] = [0x22, 0x2c, 0x0d, 0x0a];
const BOM = Buffer.from('\ufeff');
const BOMS_OF_UTF16 = [Buffer.from([0xff, 0xfe]), Buffer.from([0xfe, 0xff])];

export interface CsvRow {
  /** In which it begins, from 1. */
  line: number;
  cells: string[];
  /** Why it cannot be read beyond these cells; null when it is whole. */
  fault: string | null;
}

/** From here on the file cannot be read: its rows cannot be told apart. */
export class MalformedCsv extends Error {
  override readonly name = 'MalformedCsv';

  constructor(
    readonly line: number,
    reason: string,
  ) {
    super(`line ${line}: ${reason}`);
  }
}

/**
 * The rows of a CSV file in UTF-8, some at a time, as they arrive; in memory is what one piece of it holds. Lines end as they
 * like, empty ones are passed over, a quote within a cell that does not begin with one is a letter like others, and how many
 * cells a row has is for the reader to judge. A row that cannot be read to its end has a fault, and reading goes on with the
 * line after the one that it begins in: whatever a quote that is not closed would have swallowed is read.
 * @throws MalformedCsv, after all rows before it.
 */
export async function* readCsv(bytes: AsyncIterable<Buffer>): AsyncGenerator<CsvRow[]> {
  const reader = new CsvReader();
  for await (const piece of withEnd(bytes)) {
    const rows = reader.take(piece);
    if (rows.length > 0) yield rows;
    if (reader.unreadable) throw reader.unreadable;
  }
}

async function* withEnd(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer | null> {
  yield* bytes;
  yield null;
}

// Written by hand because csv-parse ends at the first row that it cannot read; told to pass over it, it goes on within its
// quote.
class CsvReader {
  unreadable: MalformedCsv | null = null;
  private waiting: Buffer[] = [];
  private waitingBytes = 0;
  /** So many must wait before it is worth looking at them again. */
  private enoughBytes = BOM.length;
  private hasBegun = false;
  private line = 1;
  /** What comes is the rest of a line that nobody wants. */
  private isPassing = false;
  private endedWithCr = false;
  private rereadBytes = 0;

  /** The rows that are whole with this piece; null is the end of the file. */
  take(piece: Buffer | null): CsvRow[] {
    if (piece !== null) this.waiting.push(piece);
    this.waitingBytes += piece?.length ?? 0;
    if (piece !== null && this.waitingBytes < this.enoughBytes) return [];
    const bytes = Buffer.concat(this.waiting);
    const rows: CsvRow[] = [];
    const rest = bytes.subarray(this.readRows(bytes, piece === null, rows));
    this.waiting = [rest];
    this.waitingBytes = rest.length;
    // A row in a thousand pieces is looked at ten times, not a thousand times.
    this.enoughBytes = rest.length * 2;
    return rows;
  }

  /** @returns where the first row begins that is not whole. */
  private readRows(bytes: Buffer, isEnd: boolean, rows: CsvRow[]): number {
    let from = this.hasBegun ? this.goOn(bytes) : this.begin(bytes);
    while (from < bytes.length && this.unreadable === null) {
      const line = this.line;
      if (isLineEnd(bytes[from])) {
        from = this.nextLine(bytes, from);
        continue;
      }
      const row = rowAt(bytes, from, isEnd);
      if (row === null) break;
      const { cells, fault, to } = row;
      rows.push({ line, cells, fault });
      if (fault === null) {
        this.line += lineEndsIn(bytes, from, to);
        from = this.nextLine(bytes, to);
      } else {
        from = this.nextLine(bytes, from);
        this.noteReread(to - from);
      }
    }
    return from;
  }

  private begin(bytes: Buffer): number {
    this.hasBegun = true;
    if (BOMS_OF_UTF16.some((bom) => bom.equals(bytes.subarray(0, bom.length))))
      this.unreadable = new MalformedCsv(1, 'the file is UTF-16, and must be UTF-8');
    return BOM.equals(bytes.subarray(0, BOM.length)) ? BOM.length : 0;
  }

  private goOn(bytes: Buffer): number {
    const from = this.endedWithCr && bytes[0] === LF ? 1 : 0;
    if (bytes.length > 0) this.endedWithCr = false;
    return this.isPassing ? this.nextLine(bytes, from) : from;
  }

  /** @returns where the line ends that has this place in it, line end included; what of it is yet to come is passed over. */
  private nextLine(bytes: Buffer, place: number): number {
    const at = lineEndAfter(bytes, place);
    this.isPassing = at === bytes.length;
    if (this.isPassing) return at;
    this.line += 1;
    this.endedWithCr = bytes[at] === CR && at + 1 === bytes.length;
    return bytes[at] === CR && bytes[at + 1] === LF ? at + 2 : at + 1;
  }

  private noteReread(bytes: number): void {
    this.rereadBytes += Math.max(0, bytes);
    if (this.rereadBytes > REREAD_BYTES_MAX)
      this.unreadable = new MalformedCsv(this.line, 'too many quotes before it are not closed');
  }
}

interface ReadRow extends Omit<CsvRow, 'line'> {
  /** Where its line end is, or what cannot be read was noticed. */
  to: number;
}

/** The row that begins there, or null when it is not whole yet. Says the same in whatever pieces the row has come. */
function rowAt(bytes: Buffer, from: number, isEnd: boolean): ReadRow | null {
  const limit = from + ROW_BYTES_MAX;
  const cells: string[] = [];
  const broken = (fault: string, to: number): ReadRow => ({ cells, fault, to });
  for (let at = from; ; ) {
    const isQuoted = bytes[at] === QUOTE;
    const to = isQuoted ? quotedCellEnd(bytes, at, isEnd) : plainCellEnd(bytes, at, limit);
    if ((to ?? bytes.length) > limit) return broken(isQuoted ? LONG_OR_OPEN : LONG, limit);
    if (to === null) return isEnd ? broken(OPEN, bytes.length) : null;
    if (to === bytes.length && !isEnd) return null;
    if (isQuoted && to < bytes.length && !isSeparator(bytes[to])) return broken(GOES_ON, to);
    cells.push(isQuoted ? textOfQuoted(bytes, at, to) : bytes.toString('utf8', at, to));
    if (bytes[to] !== COMMA) return { cells, fault: null, to };
    at = to + 1;
  }
}

const LONG = `the row is longer than ${ROW_BYTES_MAX} bytes`;
const LONG_OR_OPEN = `${LONG}, or a quote is not closed`;
const OPEN = 'a quote is not closed';
const GOES_ON = 'a quoted cell goes on after its quote';

/** Just after the closing quote; null without one. */
function quotedCellEnd(bytes: Buffer, opening: number, isEnd: boolean): number | null {
  let quote = bytes.indexOf(QUOTE, opening + 1);
  while (quote !== -1 && bytes[quote + 1] === QUOTE) quote = bytes.indexOf(QUOTE, quote + 2);
  // The next piece may begin with the second quote of a pair.
  const isUnsure = quote === bytes.length - 1 && !isEnd;
  return quote === -1 || isUnsure ? null : quote + 1;
}

/** At the separator, or as far as it is worth looking. */
function plainCellEnd(bytes: Buffer, from: number, limit: number): number {
  const stop = Math.min(bytes.length, limit + 1);
  let at = from;
  while (at < stop && !isSeparator(bytes[at])) at += 1;
  return at;
}

const textOfQuoted = (bytes: Buffer, opening: number, end: number): string =>
  bytes.toString('utf8', opening + 1, end - 1).replaceAll('""', '"');

const isLineEnd = (byte: number | undefined) => byte === LF || byte === CR;
const isSeparator = (byte: number | undefined) => byte === COMMA || isLineEnd(byte);

/** The place of the first line end from there on, or the length of all. */
function lineEndAfter(bytes: Buffer, from: number): number {
  let at = from;
  while (at < bytes.length && !isLineEnd(bytes[at])) at += 1;
  return at;
}

function lineEndsIn(bytes: Buffer, from: number, to: number): number {
  let lines = 0;
  for (let at = lineEndAfter(bytes, from); at < to; at = lineEndAfter(bytes, at + 1))
    if (bytes[at] === LF || bytes[at + 1] !== LF) lines += 1;
  return lines;
}

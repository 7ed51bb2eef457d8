import { type CsvError, type Parser, parse } from 'csv-parse';

/** Longer than any row that makes sense: a quote that is not closed must not gather the rest of the file. */
const ROW_BYTES_MAX = 100_000;
/** What follows a row that is no CSV is read a second time. A file made for that would be read over and over again. */
const BROKEN_MAX = 1_000;

const [CR, LF] = [0x0d, 0x0a];
const BOMS_OF_UTF16 = [Buffer.from([0xff, 0xfe]), Buffer.from([0xfe, 0xff])];

export interface CsvRow {
  cells: string[];
  /** Why it cannot be read, and in which line it begins, from 1; null when it is whole. */
  fault: { line: number; reason: string } | null;
}

/** From here on the file cannot be read: its rows cannot be told apart. */
export class MalformedCsv extends Error {
  override readonly name = 'MalformedCsv';

  constructor(
    readonly line: number,
    readonly reason: string,
  ) {
    super(`line ${line}: ${reason}`);
  }
}

/**
 * The rows of a CSV file in UTF-8, some at a time, as they arrive; in memory is what one piece of it holds. Lines end as they
 * like, empty ones are passed over, and how many cells a row has is for the reader to judge. A row that is no CSV has a fault, and
 * reading goes on with the line after the one that it begins in: whatever a quote that is not closed would have swallowed is read.
 * @throws MalformedCsv, after all rows before it.
 */
export async function* readCsv(bytes: AsyncIterable<Buffer>): AsyncGenerator<CsvRow[]> {
  const reader = new CsvReader();
  for await (const piece of withEnd(bytes)) {
    const { rows, malformed } = await reader.take(piece);
    if (rows.length > 0) yield rows;
    if (malformed) throw malformed;
  }
}

async function* withEnd(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer | null> {
  yield* bytes;
  yield null;
}

/** csv-parse ends at the first row that it cannot read. So it is begun anew behind the line of that row. */
class CsvReader {
  private rows: CsvRow[] = [];
  private parser = this.begin({ bom: true });
  /** What the parser was given since the end of the last row that it has read, and the line in which that begins. */
  private unread: Buffer = Buffer.alloc(0);
  private line = 1;
  /** How far the parser has read rows, and how much of that is forgotten. */
  private bytesRead = 0;
  private bytesForgotten = 0;
  /** What comes is the rest of a line that nobody wants. */
  private isPassing = false;
  private endedWithCr = false;
  private isBegun = false;
  private broken = 0;

  /** The rows that are whole with this piece; null is the end of the file. */
  async take(piece: Buffer | null): Promise<{ rows: CsvRow[]; malformed?: MalformedCsv }> {
    this.rows = [];
    try {
      if (piece !== null) await this.read(piece);
      else await this.finish();
      return { rows: this.rows };
    } catch (error) {
      if (error instanceof MalformedCsv) return { rows: this.rows, malformed: error };
      throw error;
    }
  }

  private begin(more: { bom?: boolean } = {}): Parser {
    const parser = parse({
      ...more,
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_column_count: true,
      skip_empty_lines: true,
      max_record_size: ROW_BYTES_MAX,
      // Taken here and not read from the stream, which drops what nobody has read yet when the file breaks off.
      on_record: (cells, { bytes }) => {
        this.rows.push({ cells, fault: null });
        this.bytesRead = bytes;
        return null;
      },
    });
    // Told to whoever writes as well.
    parser.on('error', () => undefined);
    return parser;
  }

  private async read(piece: Buffer): Promise<void> {
    if (!this.isBegun && BOMS_OF_UTF16.some((bom) => bom.equals(piece.subarray(0, bom.length))))
      throw new MalformedCsv(1, 'the file is UTF-16, and must be UTF-8');
    this.isBegun = true;
    const wanted = this.afterBrokenLine(piece);
    if (wanted.length === 0) return;
    this.unread = Buffer.concat([this.unread, wanted]);
    const error = await this.outcomeOf((done) => this.parser.write(wanted, done));
    this.forgetRead();
    if (error) await this.goOnAfter(error);
  }

  private async finish(): Promise<void> {
    const error = await this.outcomeOf((done) => this.parser.end(done));
    this.forgetRead();
    if (!error) return;
    await this.goOnAfter(error);
    await this.finish();
  }

  private async outcomeOf(step: (done: (error?: Error | null) => void) => void): Promise<CsvError | null> {
    const error = await new Promise<Error | null>((resolve) => step((fault) => resolve(fault ?? null)));
    if (error !== null && !isCsvError(error)) throw error;
    return error;
  }

  private forgetRead(): void {
    const read = this.unread.subarray(0, this.bytesRead - this.bytesForgotten);
    // Counted here, since csv-parse takes a CRLF within a cell for two.
    this.line += lineEndsIn(read);
    this.unread = this.unread.subarray(read.length);
    this.bytesForgotten = this.bytesRead;
  }

  /** Notes the row that cannot be read, and reads on with the line after its first. */
  private async goOnAfter({ code }: CsvError): Promise<void> {
    let from = 0;
    while (isLineEnd(this.unread[from])) from += 1;
    this.line += lineEndsIn(this.unread.subarray(0, from));
    this.broken += 1;
    if (this.broken > BROKEN_MAX)
      throw new MalformedCsv(this.line, `more than ${BROKEN_MAX} rows are no CSV`);
    this.rows.push({ cells: [], fault: { line: this.line, reason: REASONS[code] ?? 'it cannot be read' } });

    const rest = this.unread.subarray(from);
    this.parser = this.begin();
    this.unread = Buffer.alloc(0);
    this.bytesRead = 0;
    this.bytesForgotten = 0;
    this.line += 1;
    this.isPassing = true;
    await this.read(rest);
  }

  /** The piece without what is left of a line that is passed over. */
  private afterBrokenLine(piece: Buffer): Buffer {
    let from = this.endedWithCr && piece[0] === LF ? 1 : 0;
    this.endedWithCr = false;
    if (!this.isPassing) return piece.subarray(from);
    while (from < piece.length && !isLineEnd(piece[from])) from += 1;
    if (from === piece.length) return piece.subarray(from);
    this.isPassing = false;
    this.endedWithCr = piece[from] === CR && from + 1 === piece.length;
    return piece.subarray(piece[from] === CR && piece[from + 1] === LF ? from + 2 : from + 1);
  }
}

const REASONS: Partial<Record<CsvError['code'], string>> = {
  CSV_QUOTE_NOT_CLOSED: 'a quote is not closed',
  CSV_INVALID_CLOSING_QUOTE: 'a quoted cell goes on after its quote',
  INVALID_OPENING_QUOTE: 'a quote stands in the middle of a cell',
  CSV_MAX_RECORD_SIZE: `the row is longer than ${ROW_BYTES_MAX} bytes, or a quote is not closed`,
};

/** A CRLF is one. */
function lineEndsIn(bytes: Buffer): number {
  let lines = 0;
  for (let at = 0; at < bytes.length; at += 1)
    if (bytes[at] === LF || (bytes[at] === CR && bytes[at + 1] !== LF)) lines += 1;
  return lines;
}

const isLineEnd = (byte: number | undefined) => byte === LF || byte === CR;

function isCsvError(error: unknown): error is CsvError {
  return error instanceof Error && 'code' in error && /^(CSV_|INVALID_)/.test(String(error.code));
}

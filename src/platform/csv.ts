import { type CsvError, parse } from 'csv-parse';

/** Longer than any row that makes sense: a quote that is not closed must not gather the rest of the file. */
const ROW_BYTES_MAX = 100_000;

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
 * like, empty ones are passed over, and how many cells a row has is for the reader to judge.
 * @throws MalformedCsv, after all rows before it.
 */
export async function* readCsv(bytes: AsyncIterable<Buffer>): AsyncGenerator<string[][]> {
  let rows: string[][] = [];
  let lineOfLast = 0;
  const parser = parse({
    bom: true,
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: ROW_BYTES_MAX,
    // Taken here and not read from the stream, which drops what nobody has read yet when the file breaks off.
    on_record: (row, { lines }) => {
      rows.push(row);
      lineOfLast = lines;
      return null;
    },
  });
  // Told to whoever writes as well.
  parser.on('error', () => undefined);
  const taken = () => {
    const all = rows;
    rows = [];
    return all;
  };
  try {
    for await (const chunk of bytes) {
      await new Promise<void>((resolve, reject) => {
        parser.write(chunk, (error) => (error ? reject(error) : resolve()));
      });
      if (rows.length > 0) yield taken();
    }
    await new Promise<void>((resolve, reject) => {
      parser.end((error?: Error | null) => (error ? reject(error) : resolve()));
    });
  } catch (error) {
    if (!isCsvError(error)) throw error;
    if (rows.length > 0) yield taken();
    // A quote that is not closed is noticed at the end: what helps is where its row begins.
    const line = BEGINNING.has(error.code) ? lineOfLast + 1 : Number(error.lines);
    throw new MalformedCsv(line, REASONS[error.code] ?? 'it cannot be read');
  }
  if (rows.length > 0) yield taken();
}

const REASONS: Partial<Record<CsvError['code'], string>> = {
  CSV_QUOTE_NOT_CLOSED: 'a quote is not closed',
  CSV_INVALID_CLOSING_QUOTE: 'a quoted cell goes on after its quote',
  INVALID_OPENING_QUOTE: 'a quote stands in the middle of a cell',
  CSV_MAX_RECORD_SIZE: `a row is longer than ${ROW_BYTES_MAX} bytes, or a quote is not closed`,
};

const BEGINNING = new Set<string>(['CSV_QUOTE_NOT_CLOSED', 'CSV_MAX_RECORD_SIZE']);

function isCsvError(error: unknown): error is CsvError {
  return error instanceof Error && 'code' in error && /^(CSV_|INVALID_)/.test(String(error.code));
}

import { stringify } from 'csv-stringify/sync';
import fc from 'fast-check';
import { type CsvRow, MalformedCsv, readCsv } from '../../src/platform/csv.js';

/** What is told of a file that comes in these pieces. */
async function read(
  pieces: Iterable<string | Buffer>,
): Promise<{ rows: CsvRow[]; malformed: string | null }> {
  async function* bytes() {
    for (const piece of pieces) yield Buffer.from(piece as string);
  }
  const rows: CsvRow[] = [];
  try {
    for await (const some of readCsv(bytes())) rows.push(...some);
  } catch (error) {
    if (!(error instanceof MalformedCsv)) throw error;
    return { rows, malformed: error.message };
  }
  return { rows, malformed: null };
}

const cellsOf = async (...pieces: (string | Buffer)[]) => (await read(pieces)).rows.map(({ cells }) => cells);

/** Each row as its cells, or as `line: what is wrong`. */
const told = async (...pieces: (string | Buffer)[]) =>
  (await read(pieces)).rows.map(({ cells, fault }) =>
    fault ? `${fault.line}: ${fault.reason}` : cells.join('|'),
  );

const GOES_ON = 'a quoted cell goes on after its quote';
const OPEN = 'a quote is not closed';
const LONG = 'the row is longer than 100000 bytes, or a quote is not closed';
const WITHIN = 'a quote stands in the middle of a cell';

const cell = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  fc
    .array(fc.constantFrom('"', ',', '\n', '\r', 'a', ' ', 'ä', '💡'), { maxLength: 6 })
    .map((all) => all.join('')),
);
const table = fc.array(fc.array(cell, { minLength: 1, maxLength: 5 }), { maxLength: 8 });

/** The same bytes in pieces that are cut anywhere. */
function cut(bytes: Buffer, places: number[]): Buffer[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((from, index) => bytes.subarray(from, at[index] ?? bytes.length));
}

describe('the rows of a file', () => {
  it('are those that were written into it, however it is cut into pieces', async () => {
    const ends = fc.constantFrom('\n', '\r\n', '\r');
    await fc.assert(
      fc.asyncProperty(table, ends, fc.boolean(), fc.array(fc.nat()), async (rows, end, bom, places) => {
        const text = stringify(rows, { record_delimiter: end, quoted: true, quoted_empty: true, bom });
        expect(await cellsOf(...cut(Buffer.from(text), places))).toEqual(rows);
      }),
      { numRuns: 300 },
    );
  });

  it('and what is wrong with them, do not depend on how it is cut', async () => {
    const text = fc
      .array(fc.constantFrom('"', ',', '\n', '\r', 'a', 'b'), { maxLength: 40 })
      .map((all) => all.join(''));
    await fc.assert(
      fc.asyncProperty(text, fc.array(fc.nat()), async (all, places) => {
        expect(await read(cut(Buffer.from(all), places))).toEqual(await read([all]));
      }),
      { numRuns: 500 },
    );
  });
});

describe('a row that is no CSV', () => {
  it.each([
    ['has a quote in the middle', ['a,5" pipe,1', 'b,y,2'], [`1: ${WITHIN}`, 'b|y|2']],
    ['goes on after its quote', ['a,"5" pipe,1'], [`1: ${GOES_ON}`]],
    ['opens a quote that the next one closes', ['a,"x,1', 'b,"y",2'], [`1: ${GOES_ON}`, 'b|y|2']],
    ['opens a quote that nobody closes', ['a,"x,1', 'b,y,2', 'c,z,3'], [`1: ${OPEN}`, 'b|y|2', 'c|z|3']],
    ['is the last', ['a,b', 'a,"b'], ['a|b', `2: ${OPEN}`]],
    ['is one of several', ['"a', '"b', 'c', '"d'], [`1: ${GOES_ON}`, `2: ${GOES_ON}`, 'c', `4: ${OPEN}`]],
    ['is long', [`a,${'x'.repeat(1_048_576)},1`, 'b,y,2'], [`1: ${LONG}`, 'b|y|2']],
    ['is long and quoted', [`a,"${'x'.repeat(1_048_576)}",1`, 'b,y,2'], [`1: ${LONG}`, 'b|y|2']],
    [
      'comes after rows of several lines and empty ones',
      ['a,"x', 'y",1', '', '', 'b,"x"y,2', '', 'c,"z', '', '",3', 'd"', 'e'],
      ['a|x\ny|1', `5: ${GOES_ON}`, 'c|z\n\n|3', `10: ${WITHIN}`, 'e'],
    ],
  ])('since it %s has a fault, and the next line is a row again', async (_, lines, wanted) => {
    for (const bom of ['', '\ufeff']) {
      const text = Buffer.from(bom + lines.join('\n'));
      expect(await told(text)).toEqual(wanted);
      expect(await told(...cut(text, [1, 3, 7, 8, 12, 20, 100_001]))).toEqual(wanted);
    }
    // Whoever ends lines otherwise has the same lines.
    for (const end of ['\r\n', '\r']) {
      const text = Buffer.from(lines.join(end));
      const same = wanted.map((row) => row.replaceAll('\n', end));
      expect(await told(text)).toEqual(same);
      expect(await told(...cut(text, [1, 3, 7, 8, 12, 13, 14, 20]))).toEqual(same);
    }
  });

  it('is told of before much more of the file is read', async () => {
    let handedOut = 0;
    async function* endless() {
      yield Buffer.from('a,"x,1\n');
      for (let line = 2; ; line += 1_000) {
        const piece = Buffer.from(
          Array.from({ length: 1_000 }, (_, index) => `b,${line + index},2\n`).join(''),
        );
        handedOut += piece.length;
        yield piece;
      }
    }
    for await (const rows of readCsv(endless())) {
      expect(rows[0]).toMatchObject({ fault: { line: 1, reason: LONG } });
      expect(rows[1]).toEqual({ cells: ['b', '2', '2'], fault: null });
      break;
    }
    expect(handedOut).toBeGreaterThan(90_000);
    expect(handedOut).toBeLessThan(250_000);
  });

  it('is passed over without gathering the rest of its line', async () => {
    const whole = 64;
    async function* endless() {
      for (let mebibyte = 0; mebibyte < whole; mebibyte++) yield Buffer.alloc(1_048_576, 'x');
      yield Buffer.from('\nb\n');
    }
    const rows: CsvRow[] = [];
    for await (const some of readCsv(endless())) rows.push(...some);
    expect(rows).toEqual([
      { cells: [], fault: { line: 1, reason: LONG } },
      { cells: ['b'], fault: null },
    ]);
  });
});

describe('a file', () => {
  it('that is read over and over again is given up, after the rows before', async () => {
    // Each of its quotes is closed by the next line's, which opens another, so each row has no end.
    const { rows, malformed } = await read(['a,b\n', 'a","\n'.repeat(20_000)]);
    expect(rows).toHaveLength(1_001);
    expect(rows[0]).toEqual({ cells: ['a', 'b'], fault: null });
    expect(malformed).toBe('line 1002: more than 1000 rows are no CSV');
  });

  it('in UTF-16 is given up at once', async () => {
    const malformed = 'line 1: the file is UTF-16, and must be UTF-8';
    const little = Buffer.from('\ufeffsku,name\n', 'utf16le');
    expect(await read([little])).toEqual({ rows: [], malformed });
    expect(await read([Buffer.from(little).swap16()])).toEqual({ rows: [], malformed });
  });

  it('of nothing has no rows', async () => {
    for (const pieces of [[], [''], ['\ufeff'], ['\n', '\r', '\n']])
      expect(await read(pieces)).toEqual({ rows: [], malformed: null });
  });
});

import { type FieldFault, ValidationFailed } from '../../platform/errors.js';

/** The columns of a catalog as a file, in the order in which it is exported. */
export const COLUMNS = [
  'sku',
  'name',
  'description',
  'price',
  'category',
  'image_url',
  'storefront_id',
  'parent_sku',
  'low_stock_threshold',
  'active',
  'stock',
] as const;

export type Column = (typeof COLUMNS)[number];
export type Cells = Partial<Record<Column, string>>;

const REQUIRED: Column[] = ['sku', 'name', 'price'];
const FAULTS_MAX = 20;

/** What the first line of a file names, in any order. @throws ValidationFailed naming the columns that are wrong. */
export function columnsOf(header: string[]): Column[] {
  const named = header.map((name) => name.trim());
  const fault = (field: string, message: string): FieldFault => ({ field, message });
  const faults = [
    ...named
      .filter((name) => !isColumn(name))
      .map((name) => fault(name.slice(0, 100), `${name.slice(0, 100)} is not a known column`)),
    ...COLUMNS.filter((name) => named.indexOf(name) !== named.lastIndexOf(name)).map((name) =>
      fault(name, `the column ${name} is there twice`),
    ),
    ...REQUIRED.filter((name) => !named.includes(name)).map((name) =>
      fault(name, `the column ${name} is missing`),
    ),
  ];
  if (faults.length > 0) throw new ValidationFailed(faults.slice(0, FAULTS_MAX));
  return named as Column[];
}

const isColumn = (name: string): name is Column => (COLUMNS as readonly string[]).includes(name);

// What a spreadsheet takes for a formula, and runs.
const FORMULA = /^'*[=+\-@\t\r\n＝＋－＠]/;
const GUARDED = /^'+[=+\-@\t\r\n＝＋－＠]/;

/** A text that no spreadsheet takes for a formula: with an apostrophe before it, as one would type it there. */
export const guarded = (text: string): string => (FORMULA.test(text) ? `'${text}` : text);

/** Takes back what `guarded` has added, so that what is exported is imported without a change. */
export const unguarded = (text: string): string => (GUARDED.test(text) ? text.slice(1) : text);

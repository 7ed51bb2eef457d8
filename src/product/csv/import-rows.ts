import { IsOptional } from 'class-validator';
import type { CsvRow } from '../../platform/csv.js';
import { DomainError, ValidationFailed } from '../../platform/errors.js';
import { validated } from '../../platform/http/validation.js';
import type { Money } from '../../platform/money.js';
import { CreateProduct } from '../product.dto.js';
import { IsSku } from '../product.rules.js';
import type { NewProduct, ProductChange, ProductMembers } from '../product.types.js';
import { newProduct } from '../product.wishes.js';
import { type Cells, type Column, unguarded } from './columns.js';

/** A row of the file that is right in itself. */
export interface ImportRow {
  /** From 1, without the header. */
  row: number;
  /** What it makes when there is no such product yet. */
  product: NewProduct;
  /** What it says of a product that is there: a column that is missing, or an empty cell that cannot be, says nothing. */
  change: ProductChange;
  /** The parent, null for none, or undefined when the file does not say. */
  parent_sku: string | null | undefined;
}

/** A row that was not imported. */
export interface RefusedRow {
  row: number;
  sku: string | null;
  error: DomainError;
}

const SKU_LENGTH_MAX = 64;
/** What stands for a letter that could not be decoded. */
const REPLACEMENT = '\ufffd';

class RowDto extends CreateProduct {
  @IsOptional()
  @IsSku()
  parent_sku?: string | null;
}

/** The row is no CSV. The others are read all the same. */
class MalformedRow extends DomainError {
  readonly kind = 'invalid';
  readonly code = 'malformed_csv';

  constructor(line: number, reason: string) {
    super(`line ${line}: ${reason}`);
  }
}

/** Judges one row by the rules that every product is made by. */
export async function importRowOf(
  row: number,
  columns: Column[],
  { cells, fault }: CsvRow,
  money: Money,
): Promise<ImportRow | RefusedRow> {
  const named: Cells = Object.fromEntries(columns.map((column, index) => [column, cells[index] ?? '']));
  if (fault !== null) return { row, sku: null, error: new MalformedRow(fault.line, fault.reason) };
  try {
    if (cells.length !== columns.length)
      throw ValidationFailed.of('row', `the row has ${cells.length} cells, not ${columns.length}`);
    if (cells.some((cell) => cell.includes(REPLACEMENT)))
      throw ValidationFailed.of('row', 'the row is not UTF-8');
    const { parent_sku, ...wish } = await validated(membersOf(named), RowDto);
    const product = newProduct(wish, money);
    return { row, product, change: changeOf(product, named), parent_sku };
  } catch (error) {
    if (!(error instanceof ValidationFailed)) throw error;
    return {
      row,
      sku: named.sku === undefined ? null : unguarded(named.sku).slice(0, SKU_LENGTH_MAX),
      error,
    };
  }
}

/** The cells as they would stand in a body of JSON. What says nothing is left out, so that the defaults stay. */
function membersOf(cells: Cells): Record<string, unknown> {
  const text = (cell: string | undefined) => cell && unguarded(cell);
  const orNull = (cell: string | undefined) => (cell === '' ? null : text(cell));
  const stated = (cell: string | undefined) => (cell === '' ? undefined : cell);
  const members = {
    sku: text(cells.sku),
    name: text(cells.name),
    description: text(cells.description),
    price: numberOf(cells.price),
    category: orNull(cells.category),
    image_url: orNull(cells.image_url),
    storefront_id: numberOf(stated(cells.storefront_id)),
    parent_sku: orNull(cells.parent_sku),
    low_stock_threshold: numberOf(stated(cells.low_stock_threshold)),
    active: booleanOf(stated(cells.active)),
    stock: numberOf(stated(cells.stock)),
  };
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

/** What is no number is left for the rules to refuse. */
const numberOf = (cell: string | undefined) =>
  cell !== undefined && /^-?\d+(\.\d+)?$/.test(cell) ? Number(cell) : cell;

/** Spreadsheets write them in capitals. */
const booleanOf = (cell: string | undefined) => {
  const word = cell?.toLowerCase();
  return word === 'true' ? true : word === 'false' ? false : cell;
};

/** By what a product that is there is changed. The key, sku and storefront, has found it and stays. */
const CHANGING: Partial<Record<keyof ProductMembers, { column: Column; emptySaysNothing?: true }>> = {
  name: { column: 'name' },
  description: { column: 'description' },
  price_minor: { column: 'price' },
  category: { column: 'category' },
  image_url: { column: 'image_url' },
  low_stock_threshold: { column: 'low_stock_threshold', emptySaysNothing: true },
  active: { column: 'active', emptySaysNothing: true },
};

function changeOf(product: NewProduct, cells: Cells): ProductChange {
  const stated = Object.entries(CHANGING).filter(([, { column, emptySaysNothing }]) => {
    const cell = cells[column];
    return cell !== undefined && !(emptySaysNothing && cell === '');
  });
  return Object.fromEntries(stated.map(([member]) => [member, product[member as keyof ProductMembers]]));
}

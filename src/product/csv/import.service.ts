import { Injectable } from '@nestjs/common';
import { type CsvRow, MalformedCsv, readCsv } from '../../platform/csv.js';
import { DatabaseService } from '../../platform/database/database.service.js';
import type { Tx } from '../../platform/database/tx.js';
import { ValidationFailed } from '../../platform/errors.js';
import { Drain } from '../../platform/http/drain.js';
import { Money } from '../../platform/money.js';
import { StorefrontService } from '../../storefront/storefront.service.js';
import { DuplicateRow, ParentNotFound, SkuTaken } from '../product.errors.js';
import { ProductRepository } from '../product.repository.js';
import type { NewProduct } from '../product.types.js';
import { ProductTrail } from '../product-trail.service.js';
import { CatalogFileRepository } from './catalog-file.repository.js';
import { type Column, columnsOf } from './columns.js';
import type { ImportView } from './import.view.js';
import {
  type ImportPlan,
  type KnownProduct,
  keyOf,
  type NewRow,
  type ProductKey,
  parentKeyOf,
  planImport,
} from './import-plan.js';
import { type BatchOutcome, ImportCutShort, ImportInterrupted, ImportReport } from './import-report.js';
import { type ImportRow, importRowOf, type RefusedRow } from './import-rows.js';
import { SeenKeys } from './seen-keys.js';

const BATCH_ROWS = 500;
const ROWS_MAX = 500_000;

/** A file on its way in. */
interface Import {
  columns: Column[] | null;
  /** Read, and not yet in a batch. */
  waiting: CsvRow[];
  rows: number;
  seen: SeenKeys;
  report: ImportReport;
}

/** What became of the rows of a batch, and which of them somebody else has made in the same moment. */
interface Attempted extends BatchOutcome {
  lost: { from: ImportRow; error: RefusedRow['error'] }[];
}

/** Takes a catalog in from a file, however large: what is in memory at a time is a batch. */
@Injectable()
export class ProductImportService {
  constructor(
    private readonly database: DatabaseService,
    private readonly repository: CatalogFileRepository,
    private readonly products: ProductRepository,
    private readonly storefronts: StorefrontService,
    private readonly drain: Drain,
    private readonly money: Money,
    private readonly trail: ProductTrail,
  ) {}

  /**
   * Makes the products that the rows name by storefront and sku, or changes them to what the rows say. Rows stand for
   * themselves; they are taken in batches, each a transaction of its own, so a file that breaks off leaves whole batches.
   * Idempotent, also beside itself: what is as the file says stays untouched, and stock counts only for what is made.
   * @throws ValidationFailed for a header that is not ours, and then nothing was changed; ImportCutShort, ImportInterrupted.
   */
  async import(bytes: AsyncIterable<Buffer>): Promise<ImportView> {
    const file: Import = {
      columns: null,
      waiting: [],
      rows: 0,
      seen: new SeenKeys(),
      report: new ImportReport(),
    };
    const fault = await this.read(file, bytes);
    await this.importWaiting(file, 1);
    if (fault) throw new ImportCutShort('malformed_csv', fault.message, file.report, { line: fault.line });
    if (!file.columns)
      throw ValidationFailed.of('header', 'the file is empty: its first line names the columns');
    return file.report.view();
  }

  /** @returns why the file could not be read to its end, or null. */
  private async read(file: Import, bytes: AsyncIterable<Buffer>): Promise<MalformedCsv | null> {
    try {
      for await (const rows of readCsv(bytes)) {
        file.columns ??= columnsOf(headerOf(rows.shift() as CsvRow));
        for (const row of rows) file.waiting.push(row);
        await this.importWaiting(file, BATCH_ROWS);
      }
      return null;
    } catch (error) {
      if (error instanceof MalformedCsv) return error;
      throw error;
    }
  }

  /** Imports what waits, as long as that is a batch of at least so many rows. */
  private async importWaiting(file: Import, atLeast: number): Promise<void> {
    while (file.waiting.length >= atLeast) {
      if (this.drain.begun) throw new ImportInterrupted(file.report);
      if (file.rows >= ROWS_MAX)
        throw new ImportCutShort('too_many_rows', `a file has at most ${ROWS_MAX} rows`, file.report);
      const batch = file.waiting.splice(0, BATCH_ROWS);
      const { rows, refused } = await this.judge(file, batch);
      file.report.add([{ refused }, ...(await this.importRows(rows))]);
    }
  }

  /** What somebody else has made in the same moment is looked at once more: by then it is there, and like any other. */
  private async importRows(rows: ImportRow[]): Promise<Partial<BatchOutcome>[]> {
    const first = await this.database.transaction((tx) => this.importBatch(rows, tx));
    if (first.lost.length === 0) return [first];
    const again = first.lost.map(({ from }) => from);
    const second = await this.database.transaction((tx) => this.importBatch(again, tx));
    const refused = second.lost.map(({ from, error }) => refusedOf(from, error));
    return [first, second, { refused }];
  }

  private async judge(file: Import, batch: CsvRow[]): Promise<{ rows: ImportRow[]; refused: RefusedRow[] }> {
    const rows: ImportRow[] = [];
    const refused: RefusedRow[] = [];
    for (const read of batch) {
      file.rows += 1;
      const judged = await importRowOf(file.rows, file.columns as Column[], read, this.money);
      if ('error' in judged) refused.push(judged);
      else if (file.seen.add(keyOf(judged.product))) rows.push(judged);
      else refused.push(refusedOf(judged, new DuplicateRow(judged.product.sku)));
    }
    return { rows, refused };
  }

  private async importBatch(rows: ImportRow[], tx: Tx): Promise<Attempted> {
    const plan = await this.planLocked(rows, tx);
    const made = new Map<ImportRow, number>();
    return this.trail.noting(
      plan.changes.map(({ change }) => change.id),
      () => this.write(plan, made, tx),
      () => [...made.values()],
      tx,
    );
  }

  private async write(plan: ImportPlan, made: Map<ImportRow, number>, tx: Tx): Promise<Attempted> {
    const changed = await this.products.change(
      plan.changes.map(({ change }) => change),
      tx,
    );
    const lost: Attempted['lost'] = [];
    // Parents first: what is made with them needs their ids.
    for (const isVariant of [false, true]) {
      const news = plan.news.filter(({ parent }) => (parent !== null) === isVariant);
      lost.push(...(await this.insert(news, made, tx)));
    }
    return {
      created: made.size,
      updated: changed.length,
      // Somebody else may have made the same change in between.
      unchanged: plan.unchanged.length + plan.changes.length - changed.length,
      refused: plan.refused.map(({ from, error }) => refusedOf(from, error)),
      lost,
    };
  }

  /** Locks what the rows would touch, and decides by what it has found then. */
  private async planLocked(rows: ImportRow[], tx: Tx): Promise<ImportPlan> {
    const storefronts = rows.flatMap(({ product }) => product.storefront_id ?? []);
    const open = await this.storefronts.keep([...new Set(storefronts)], tx);
    const keys = keysOf(rows);
    const locked = new Set<number>();
    for (;;) {
      const plan = planImport(rows, byKey(await this.repository.findByKeys(keys, tx)), open);
      const unlocked = plan.touched.filter((id) => !locked.has(id));
      if (unlocked.length === 0) return plan;
      await this.products.lock(unlocked, tx);
      for (const id of unlocked) locked.add(id);
    }
  }

  private async insert(news: NewRow[], made: Map<ImportRow, number>, tx: Tx): Promise<Attempted['lost']> {
    const lost: Attempted['lost'] = [];
    const wanted = new Map<string, { from: ImportRow; product: NewProduct }>();
    for (const { from, parent } of news) {
      const parent_id = parent && ('id' in parent ? parent.id : made.get(parent.from));
      if (parent_id === undefined) lost.push({ from, error: new ParentNotFound(String(from.parent_sku)) });
      else wanted.set(keyOf(from.product), { from, product: { ...from.product, parent_id } });
    }
    if (wanted.size === 0) return lost;
    const products = [...wanted.values()].map(({ product }) => product);
    for (const inserted of await this.products.insert(products, tx)) {
      const key = keyOf(inserted);
      made.set((wanted.get(key) as { from: ImportRow }).from, inserted.id);
      wanted.delete(key);
    }
    // Somebody else has made them in between.
    for (const { from } of wanted.values()) lost.push({ from, error: new SkuTaken(from.product.sku) });
    return lost;
  }
}

/** @throws MalformedCsv: nothing can be told of the rows when their columns have no names. */
function headerOf({ cells, fault }: CsvRow): string[] {
  if (fault !== null) throw new MalformedCsv(fault.line, fault.reason);
  return cells;
}

const refusedOf = ({ row, product }: ImportRow, error: RefusedRow['error']): RefusedRow => ({
  row,
  sku: product.sku,
  error,
});

/** What the rows name, and their parents. Each once. */
function keysOf(rows: ImportRow[]): ProductKey[] {
  const keys = rows.flatMap((row) => [row.product, parentKeyOf(row) ?? row.product]);
  return [...new Map(keys.map((key) => [keyOf(key), key])).values()];
}

const byKey = (products: KnownProduct[]) => new Map(products.map((product) => [keyOf(product), product]));

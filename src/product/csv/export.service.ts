import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { stringify } from 'csv-stringify/sync';
import { Money } from '../../platform/money.js';
import { CatalogFileRepository, type ExportedProduct } from './catalog-file.repository.js';
import { COLUMNS, type Column, guarded } from './columns.js';

const PAGE_ROWS = 1_000;

/** Writes the catalog into a file, which may be taken in again without changing anything. */
@Injectable()
export class ProductExportService {
  constructor(
    private readonly repository: CatalogFileRepository,
    private readonly money: Money,
  ) {}

  /**
   * The whole catalog as CSV, inactive products and variants among it, by id. Read page by page, as fast as it is taken: no
   * transaction stays open, and what changes meanwhile is in it or not.
   */
  export(): Readable {
    return Readable.from(this.pages(), { objectMode: false });
  }

  private async *pages(): AsyncGenerator<string> {
    yield stringify([[...COLUMNS]]);
    for (let after = 0; ; ) {
      const products = await this.repository.exportAfter(after, PAGE_ROWS);
      if (products.length > 0) yield stringify(products.map((product) => this.rowOf(product)));
      if (products.length < PAGE_ROWS) return;
      after = (products.at(-1) as ExportedProduct).id;
    }
  }

  private rowOf(product: ExportedProduct): string[] {
    const text = (value: string | null) => guarded(value ?? '');
    const cells: Record<Column, string> = {
      sku: text(product.sku),
      name: text(product.name),
      description: text(product.description),
      price: String(this.money.majorOf(product.price_minor)),
      category: text(product.category),
      image_url: text(product.image_url),
      storefront_id: String(product.storefront_id ?? ''),
      parent_sku: text(product.parent_sku),
      low_stock_threshold: String(product.low_stock_threshold),
      active: String(product.active),
      stock: String(product.stock),
    };
    return COLUMNS.map((column) => cells[column]);
  }
}

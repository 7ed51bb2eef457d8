import { Module } from '@nestjs/common';
import { StorefrontModule } from '../storefront/storefront.module.js';
import { CatalogMetrics } from './catalog.metrics.js';
import { CatalogRepository } from './catalog.repository.js';
import { CatalogService } from './catalog.service.js';
import { CatalogCache } from './catalog-cache.js';
import { CatalogChanges } from './catalog-changes.js';
import { CommonSearchRepository } from './common-search.repository.js';
import { CatalogFileRepository } from './csv/catalog-file.repository.js';
import { ProductExportService } from './csv/export.service.js';
import { ProductImportService } from './csv/import.service.js';
import { ProductController } from './product.controller.js';
import { ProductRepository } from './product.repository.js';
import { ProductService } from './product.service.js';
import { ProductBulkService } from './product-bulk.service.js';
import { ProductTrail } from './product-trail.service.js';
import { SearchRepository } from './search.repository.js';
import { ViewCounterRepository } from './view-counter.repository.js';
import { ViewCounter } from './view-counter.service.js';

@Module({
  imports: [StorefrontModule],
  controllers: [ProductController],
  providers: [
    CatalogCache,
    CatalogChanges,
    CatalogMetrics,
    CatalogRepository,
    CatalogService,
    CatalogFileRepository,
    ProductBulkService,
    ProductExportService,
    ProductImportService,
    ProductRepository,
    ProductService,
    ProductTrail,
    SearchRepository,
    CommonSearchRepository,
    ViewCounter,
    ViewCounterRepository,
  ],
  exports: [ProductService],
})
export class ProductModule {}

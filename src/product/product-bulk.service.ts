import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../platform/database/database.service.js';
import type { Tx } from '../platform/database/tx.js';
import { DomainError, ValidationFailed } from '../platform/errors.js';
import type { Answer } from '../platform/http/answer.js';
import { statusOf } from '../platform/http/problem.filter.js';
import { validated } from '../platform/http/validation.js';
import type { Claim } from '../platform/idempotency/claim.js';
import { IdempotencyService } from '../platform/idempotency/idempotency.service.js';
import { Money } from '../platform/money.js';
import { StorefrontNotFound } from '../storefront/storefront.errors.js';
import { StorefrontService } from '../storefront/storefront.service.js';
import { ProductNotFound, SkuTaken } from './product.errors.js';
import { ProductRepository } from './product.repository.js';
import { assertUnchanged, ProductService } from './product.service.js';
import type { NewProduct, VersionedChange } from './product.types.js';
import { newProduct, versionedChange } from './product.wishes.js';
import {
  type BulkProducts,
  type BulkProductsView,
  type BulkResultView,
  CreateOperation,
  DeleteOperation,
  UpdateOperation,
} from './product-bulk.dto.js';
import { ProductTrail } from './product-trail.service.js';

type Draft =
  | { op: 'create'; product: NewProduct }
  | { op: 'update'; id: number; change: VersionedChange }
  | { op: 'delete'; id: number }
  | { op: 'refused'; id?: number; error: DomainError };

/** A draft and what it is answered. */
interface Row {
  draft: Draft;
  answer: Omit<BulkResultView, 'index'>;
}

type RowOf<Op extends Draft['op']> = Row & { draft: Extract<Draft, { op: Op }> };

/**
 * Many changes of the catalog in one transaction. Each stands for itself: one that is refused does not stop the others.
 * They are done in their order, as if one after the other; neighbours that cannot disturb each other by one statement.
 */
@Injectable()
export class ProductBulkService {
  constructor(
    private readonly database: DatabaseService,
    private readonly idempotency: IdempotencyService,
    private readonly products: ProductService,
    private readonly storefronts: StorefrontService,
    private readonly repository: ProductRepository,
    private readonly money: Money,
    private readonly trail: ProductTrail,
  ) {}

  /** Does what can be done. Locks all products that are named, with their variants. Once for one claim. */
  async apply({ operations }: BulkProducts, claim: Claim | null): Promise<Answer<BulkProductsView>> {
    const drafts = await Promise.all(operations.map((operation) => this.draftOf(operation)));
    return this.idempotency.once(claim, 200, async (tx) => {
      const rows = drafts.map((draft): Row => ({ draft, answer: { status: 0 } }));
      await this.applyAll(rows, tx);
      return { results: rows.map(({ answer }, index) => ({ index, ...answer })) };
    });
  }

  private async draftOf(operation: unknown): Promise<Draft> {
    const { op, id } = (operation ?? {}) as { op?: unknown; id?: unknown };
    try {
      switch (op) {
        case 'create': {
          const { op, ...wish } = await validated(operation, CreateOperation);
          return { op, product: newProduct(wish, this.money) };
        }
        case 'update': {
          const { op, id, ...wish } = await validated(operation, UpdateOperation);
          return { op, id, change: versionedChange(id, wish, this.money) };
        }
        case 'delete':
          return { ...(await validated(operation, DeleteOperation)) };
        default:
          throw ValidationFailed.of('op', 'op must be one of create, update, delete');
      }
    } catch (error) {
      return {
        op: 'refused',
        ...(Number.isInteger(id) ? { id: Number(id) } : {}),
        error: domainErrorOf(error),
      };
    }
  }

  private async applyAll(rows: Row[], tx: Tx): Promise<void> {
    const open = await this.storefronts.keep(storefrontIdsOf(rows), tx);
    const locked = await this.repository.lockFamilies(productIdsOf(rows), tx);
    const parents = new Map(locked.map(({ id, parent_id }) => [id, parent_id]));
    await this.trail.noting(
      productIdsOf(rows),
      async () => {
        for (const run of runsOf(rows, parents)) await this.applyRun(run, open, tx);
      },
      () => rows.flatMap(({ draft, answer }) => (draft.op === 'create' ? (answer.id ?? []) : [])),
      tx,
    );
  }

  private async applyRun(run: Row[], open: Set<number>, tx: Tx): Promise<void> {
    const [{ draft }] = run as [Row];
    if (draft.op === 'refused') refuse(run[0] as Row, draft.error);
    else if (draft.op === 'create') await this.createAll(run as RowOf<'create'>[], open, tx);
    else if (draft.op === 'delete') await this.deleteAll(run as RowOf<'delete'>[], tx);
    else if (mayClash(draft.change)) await this.changeAlone(run[0] as RowOf<'update'>, tx);
    else await this.changeAll(run as RowOf<'update'>[], tx);
  }

  private async createAll(run: RowOf<'create'>[], open: Set<number>, tx: Tx): Promise<void> {
    const isOpen = ({ draft: { product } }: RowOf<'create'>) =>
      product.storefront_id === null || open.has(product.storefront_id);
    const products = run.filter(isOpen).map(({ draft }) => draft.product);
    const made = new Map((await this.repository.insert(products, tx)).map((row) => [keyOf(row), row.id]));
    for (const row of run) {
      const { product } = row.draft;
      const id = made.get(keyOf(product));
      // Of two with one sku the first has it.
      made.delete(keyOf(product));
      if (!isOpen(row)) refuse(row, new StorefrontNotFound());
      else if (id === undefined) refuse(row, new SkuTaken(product.sku));
      else row.answer = { status: 201, id };
    }
  }

  private async changeAll(run: RowOf<'update'>[], tx: Tx): Promise<void> {
    const changes = run.map(({ draft }) => draft.change);
    const changed = new Set(await this.repository.change(changes, tx));
    const rest = changes.map(({ id }) => id).filter((id) => !changed.has(id));
    const stored = new Map((await this.repository.find(rest, tx)).map((product) => [product.id, product]));
    for (const row of run) {
      const { id, version } = row.draft.change;
      await answering(row, 200, async () => {
        if (!changed.has(id)) assertUnchanged(stored.get(id), version);
      });
    }
  }

  private async changeAlone(row: RowOf<'update'>, tx: Tx): Promise<void> {
    const change = () => this.products.changeWithin(row.draft.change, tx);
    await answering(row, 200, () => this.database.part(change, tx));
  }

  private async deleteAll(run: RowOf<'delete'>[], tx: Tx): Promise<void> {
    const ids = run.map(({ draft }) => draft.id);
    const archived = new Set(await this.repository.archive(ids, tx));
    for (const row of run) {
      await answering(row, 204, async () => {
        if (!archived.has(row.draft.id)) throw new ProductNotFound();
      });
    }
  }
}

/** Neighbours that can be done at once, one run after the other. */
function* runsOf(rows: Row[], parents: ReadonlyMap<number, number | null>): Generator<Row[]> {
  let run: Row[] = [];
  let named = new Set<number>();
  for (const row of rows) {
    const first = run[0];
    if (first && !(isLike(row.draft, first.draft) && isFree(row.draft, named, parents))) {
      yield run;
      run = [];
      named = new Set();
    }
    run.push(row);
    if ('id' in row.draft && row.draft.id !== undefined) named.add(row.draft.id);
  }
  if (run.length > 0) yield run;
}

function isLike(draft: Draft, other: Draft): boolean {
  if (draft.op === 'refused' || draft.op !== other.op) return false;
  return ![draft, other].some((each) => each.op === 'update' && mayClash(each.change));
}

/** Neither the product nor what it is a variant of is named in the run: with a parent its variants go. */
function isFree(
  draft: Draft,
  named: ReadonlySet<number>,
  parents: ReadonlyMap<number, number | null>,
): boolean {
  if (!('id' in draft) || draft.id === undefined) return true;
  return !named.has(draft.id) && !named.has(parents.get(draft.id) ?? 0);
}

/** A violation of the unique sku undoes the statement: such a change is done alone, under a savepoint. */
const mayClash = ({ wish }: VersionedChange) => wish.sku !== undefined || wish.storefront_id !== undefined;

const keyOf = ({ storefront_id, sku }: Pick<NewProduct, 'storefront_id' | 'sku'>) =>
  `${storefront_id ?? 0} ${sku}`;

function storefrontIdsOf(rows: Row[]): number[] {
  return rows.flatMap(({ draft }) => {
    if (draft.op === 'create') return draft.product.storefront_id ?? [];
    return draft.op === 'update' ? (draft.change.wish.storefront_id ?? []) : [];
  });
}

function productIdsOf(rows: Row[]): number[] {
  return rows.flatMap(({ draft }) => (draft.op === 'update' || draft.op === 'delete' ? draft.id : []));
}

async function answering(row: RowOf<'update' | 'delete'>, status: number, work: () => Promise<void>) {
  try {
    await work();
    row.answer = { status, id: row.draft.id };
  } catch (error) {
    refuse(row, domainErrorOf(error));
  }
}

function refuse(row: Row, error: DomainError): void {
  const { code, message } = error;
  const id = 'id' in row.draft ? row.draft.id : undefined;
  row.answer = { status: statusOf(error), ...(id === undefined ? {} : { id }), code, error: message };
}

/** @throws the error itself when it is a fault, not a fact. */
function domainErrorOf(error: unknown): DomainError {
  if (error instanceof DomainError) return error;
  throw error;
}

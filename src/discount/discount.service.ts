import { Injectable } from '@nestjs/common';
import { violates } from '../platform/database/database.errors.js';
import { DatabaseService } from '../platform/database/database.service.js';
import type { Tx } from '../platform/database/tx.js';
import { ValidationFailed } from '../platform/errors.js';
import type { Answer } from '../platform/http/answer.js';
import type { Caller } from '../platform/http/caller.js';
import { decodeCursor, encodeCursor, pageOf } from '../platform/http/page.js';
import type { Claim } from '../platform/idempotency/claim.js';
import { IdempotencyService } from '../platform/idempotency/idempotency.service.js';
import { Money } from '../platform/money.js';
import { AdminActions } from '../trail/admin-actions.service.js';
import type {
  ChangeDiscountDto,
  CreateDiscountDto,
  DiscountsQuery,
  ValidateDiscountDto,
} from './discount.dto.js';
import { CodeTaken, DiscountInvalid, DiscountNotFound } from './discount.errors.js';
import { DiscountRepository } from './discount.repository.js';
import {
  type Discount,
  type DiscountFault,
  type DiscountKind,
  discountPriceOf,
  faultOf,
  type NewDiscount,
} from './discount.types.js';
import {
  BASIS_POINTS_PER_PERCENT,
  type DiscountPageView,
  type DiscountView,
  discountView,
  shownValueOf,
  type ValidDiscountView,
} from './discount.view.js';

const PERCENT_MAX = 100;

/** The codes that there are, and what they take off. What orders do with them is the business of `DiscountUses`. */
@Injectable()
export class DiscountService {
  constructor(
    private readonly repository: DiscountRepository,
    private readonly idempotency: IdempotencyService,
    private readonly database: DatabaseService,
    private readonly trail: AdminActions,
    private readonly money: Money,
  ) {}

  /** Makes a discount. Once for one claim. @throws CodeTaken, ValidationFailed */
  async create(dto: CreateDiscountDto, claim: Claim | null): Promise<Answer<DiscountView>> {
    const discount = checked({
      code: dto.code,
      ...this.termsOf(dto.kind, dto.value),
      min_items_price_minor: this.money.minorOf(dto.min_items_price ?? 0, 'min_items_price'),
      starts_at: timeOf(dto.starts_at),
      ends_at: timeOf(dto.ends_at),
      usage_limit: dto.usage_limit ?? null,
      per_user_limit: dto.per_user_limit ?? null,
      active: dto.active,
    });
    return this.idempotency.once(claim, 201, async (tx) => {
      const made = await this.repository.insert(discount, tx);
      if (!made) throw new CodeTaken(discount.code);
      await this.note('created', null, made, tx);
      return this.view(made);
    });
  }

  /** Newest first, or by code. */
  async list(query: DiscountsQuery): Promise<DiscountPageView> {
    const { sort } = query;
    const after = decodeCursor(sort, [sort === 'code' ? 'string' : 'number'], query.cursor);
    const discounts = await this.repository.list(sort, after, query.limit + 1);
    const { rows, next_cursor } = pageOf(
      discounts,
      query,
      (discount) => this.view(discount),
      ({ code, id }) => encodeCursor(sort, [sort === 'code' ? code : id]),
    );
    const total = query.count ? { total: await this.repository.count() } : {};
    return { discounts: rows, next_cursor, ...total };
  }

  /** @throws DiscountNotFound */
  async get(id: number): Promise<DiscountView> {
    return this.view(found(await this.repository.find(id)));
  }

  /**
   * Changes what is named; null takes a bound away. Orders that have used the discount keep their prices. Idempotent.
   * @throws DiscountNotFound, CodeTaken, ValidationFailed
   */
  async change(id: number, wish: ChangeDiscountDto): Promise<DiscountView> {
    return this.database.transaction(async (tx) => {
      const before = found(await this.repository.lock(id, tx));
      const discount = checked(this.changed(before, wish));
      if (discount.usage_limit !== null && discount.usage_limit < before.times_used)
        throw ValidationFailed.of(
          'usage_limit',
          `usage_limit must be at least ${before.times_used}: so often it is used`,
        );
      const after = await this.updateOrCodeTaken(id, discount, tx);
      await this.note('changed', before, after, tx);
      return this.view(after);
    });
  }

  /** Takes a discount away for good; its code may be used again. Orders keep what they got. @throws DiscountNotFound */
  async remove(id: number): Promise<void> {
    await this.database.transaction(async (tx) => {
      const before = found(await this.repository.lock(id, tx));
      await this.note('removed', before, null, tx);
      if (await this.repository.hasUses(id, tx)) await this.repository.archive(id, tx);
      else await this.repository.delete(id, tx);
    });
  }

  private async note(
    done: 'created' | 'changed' | 'removed',
    before: Discount | null,
    after: Discount | null,
    tx: Tx,
  ): Promise<void> {
    const shown = (discount: Discount | null) => discount && this.view(discount);
    const entity_id = (after ?? before)?.id as number;
    const step = { action: `discount.${done}`, entity: 'discount', entity_id } as const;
    await this.trail.record([{ ...step, before: shown(before), after: shown(after) }], tx);
  }

  /**
   * What the code would take off now, for this caller. Locks nothing and promises nothing: an order asks again.
   * @throws DiscountInvalid with its reason.
   */
  async validate(caller: Caller, { code, items_price }: ValidateDiscountDto): Promise<ValidDiscountView> {
    const items_price_minor = this.money.minorOf(items_price, 'items_price');
    const discount = await this.repository.findByCode(code, caller.id);
    if (discount === null) throw new DiscountInvalid(code, 'unknown', 0);
    const { used_by_user, now } = discount;
    const fault = faultOf(discount, { items_price_minor, used_by_user, now });
    if (fault !== null) throw this.invalid(discount, fault);
    return {
      valid: true,
      code,
      kind: discount.kind,
      value: shownValueOf(discount, this.money),
      items_price,
      discount_price: this.money.majorOf(discountPriceOf(discount, items_price_minor)),
      currency: this.money.currency,
    };
  }

  private invalid({ code, min_items_price_minor }: Discount, fault: DiscountFault): DiscountInvalid {
    return new DiscountInvalid(code, fault, this.money.majorOf(min_items_price_minor));
  }

  private changed(before: Discount, wish: ChangeDiscountDto): NewDiscount {
    const { code, kind, value, min_items_price, starts_at, ends_at, usage_limit, per_user_limit, active } =
      wish;
    if (kind !== undefined && value === undefined && kind !== before.kind)
      throw ValidationFailed.of('value', 'value must be given with another kind');
    return {
      code: code ?? before.code,
      ...(value === undefined ? termsOf(before) : this.termsOf(kind ?? before.kind, value)),
      min_items_price_minor:
        min_items_price === undefined
          ? before.min_items_price_minor
          : this.money.minorOf(min_items_price ?? 0, 'min_items_price'),
      starts_at: starts_at === undefined ? before.starts_at : timeOf(starts_at),
      ends_at: ends_at === undefined ? before.ends_at : timeOf(ends_at),
      usage_limit: usage_limit === undefined ? before.usage_limit : usage_limit,
      per_user_limit: per_user_limit === undefined ? before.per_user_limit : per_user_limit,
      active: active ?? before.active,
    };
  }

  private termsOf(kind: DiscountKind, value: number): Terms {
    if (kind === 'fixed')
      return { kind, basis_points: null, amount_minor: this.money.minorOf(value, 'value') };
    const basis_points = Math.round(value * BASIS_POINTS_PER_PERCENT);
    if (value > PERCENT_MAX) throw ValidationFailed.of('value', 'value must be at most 100 percent');
    if (basis_points / BASIS_POINTS_PER_PERCENT !== value)
      throw ValidationFailed.of('value', 'value must be exact to 2 decimals of a percent');
    return { kind, basis_points, amount_minor: null };
  }

  private async updateOrCodeTaken(id: number, discount: NewDiscount, tx: Tx): Promise<Discount> {
    try {
      return await this.repository.update(id, discount, tx);
    } catch (error) {
      if (violates(error, 'discounts_code_key')) throw new CodeTaken(discount.code);
      throw error;
    }
  }

  private view(discount: Discount): DiscountView {
    return discountView(discount, this.money);
  }
}

type Terms = Pick<NewDiscount, 'kind' | 'basis_points' | 'amount_minor'>;

const termsOf = ({ kind, basis_points, amount_minor }: Terms): Terms => ({
  kind,
  basis_points,
  amount_minor,
});

function found(discount: Discount | null): Discount {
  if (!discount) throw new DiscountNotFound();
  return discount;
}

function checked(discount: NewDiscount): NewDiscount {
  const { starts_at, ends_at } = discount;
  if (starts_at !== null && ends_at !== null && ends_at <= starts_at)
    throw ValidationFailed.of('ends_at', 'ends_at must be after starts_at');
  return discount;
}

const timeOf = (text: string | null | undefined): Date | null => (text ? new Date(text) : null);

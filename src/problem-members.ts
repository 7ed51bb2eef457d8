import type { DiscountInvalid } from './discount/discount.errors.js';
import { DISCOUNT_FAULTS } from './discount/discount.types.js';
import type { InsufficientStock, Shortage, StockChanged } from './inventory/inventory.errors.js';
import { RESERVATION_STATUSES } from './inventory/reservation.dto.js';
import type { ExtensionTooLong, ReservationNotActive } from './inventory/reservation.errors.js';
import type { PriceChanged, ProductUnavailable, ReturnTooLarge } from './order/order.errors.js';
import type { RefundTooLarge } from './payment/payment.errors.js';
import type { FieldFault, ValidationFailed } from './platform/errors.js';
import type { MemberSchema } from './platform/http/openapi-problems.js';
import type { PointsInsufficient } from './points/points.errors.js';
import type { ImportView } from './product/csv/import.view.js';
import type { ImportCutShort, ImportInterrupted } from './product/csv/import-report.js';

/** The facts that say more than their sentence. */
type Detailed =
  | DiscountInvalid
  | ExtensionTooLong
  | ImportCutShort
  | ImportInterrupted
  | InsufficientStock
  | PointsInsufficient
  | PriceChanged
  | ProductUnavailable
  | RefundTooLarge
  | ReservationNotActive
  | ReturnTooLarge
  | StockChanged
  | ValidationFailed;

/** A schema for each member, and of no other. One that may be missing says so. */
type SchemasOf<Members> = {
  [Name in keyof Members]-?: object extends Pick<Members, Name>
    ? MemberSchema & { optional: true }
    : MemberSchema & { optional?: never };
};

const integer = (example?: number) => ({ type: 'integer', example });
const price = (example?: number) => ({ type: 'number', example });
const text = (example: string) => ({ type: 'string', example });
const listOf = <Item>(properties: SchemasOf<Item>) => ({
  type: 'array',
  items: { type: 'object', properties, required: Object.keys(properties) },
});

const REPORT: SchemasOf<ImportView> = {
  rows: integer(500),
  created: integer(498),
  updated: integer(1),
  unchanged: integer(0),
  failed: integer(1),
  errors: { type: 'array', items: { $ref: '#/components/schemas/ImportErrorView' } },
};

/** What the API's document says of the members that problems have besides those that all have. */
export const PROBLEM_MEMBERS: { [Fact in Detailed as Fact['code']]: SchemasOf<Fact['members']> } = {
  validation_failed: {
    errors: listOf<FieldFault>({
      field: text('quantity'),
      message: text('quantity must be between 1 and 99'),
    }),
  },
  insufficient_stock: {
    items: listOf<Shortage>({ product_id: integer(1), requested: integer(2), available: integer(1) }),
  },
  price_changed: { expected_total: price(59.98), actual_total: price(64.98) },
  product_unavailable: { product_ids: { type: 'array', items: integer(1) } },
  discount_invalid: {
    reason: { type: 'string', enum: DISCOUNT_FAULTS, example: 'ended' },
    min_items_price: { ...price(), description: 'When that is the reason.', optional: true },
  },
  points_insufficient: { requested: integer(500), balance: integer(120) },
  refund_too_large: {
    requested: { type: ['number', 'null'], example: 20, description: 'Null: all that is left.' },
    refundable: price(9.99),
  },
  return_too_large: {
    items: listOf<ReturnTooLarge['members']['items'][number]>({
      product_id: integer(1),
      requested: integer(2),
      returnable: integer(1),
    }),
  },
  stock_changed: { product_id: integer(1), expected_stock: integer(10), actual_stock: integer(8) },
  reservation_not_active: {
    reservation_status: { type: 'string', enum: RESERVATION_STATUSES, example: 'expired' },
  },
  extension_too_long: { seconds_left: integer(600) },
  malformed_csv: { ...REPORT, line: { ...integer(502), optional: true } },
  too_many_rows: { ...REPORT, line: { ...integer(), optional: true } },
  import_interrupted: REPORT,
};

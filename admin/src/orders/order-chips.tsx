import { StateChip, type Tone } from '../parts/fields';

const ORDER_TONES: Record<string, Tone> = {
  pending: 'info',
  paid: 'success',
  shipped: 'success',
  delivered: 'success',
  failed: 'error',
  expired: 'warning',
  cancelled: 'default',
};

const MONEY_TONES: Record<string, Tone> = {
  unpaid: 'default',
  processing: 'info',
  pending: 'info',
  unknown: 'warning',
  paid: 'success',
  succeeded: 'success',
  partially_refunded: 'warning',
  refunded: 'warning',
  failed: 'error',
};

export function OrderChip({ status }: { status: string }) {
  return <StateChip state={status} tone={ORDER_TONES[status]} />;
}

/** Of an order's money, of one payment, or of one refund. */
export function MoneyChip({ status }: { status: string }) {
  return <StateChip state={status} tone={MONEY_TONES[status]} />;
}

import type { Order, Payment, Refund } from './order.types';

export type OrderAction = 'confirm' | 'ship' | 'deliver' | 'refund' | 'return' | 'cancel';

const BY_HAND = ['cod', 'bank_transfer'];
const LIVE = ['pending', 'unknown'];
const PRECISION = 1_000_000;

/** What can be done with the order as it is now. The API has the last word. */
export function actionsOf(order: Order, refundable: number): OrderAction[] {
  const { status, payment_status, payment_method } = order;
  const possible: Record<OrderAction, boolean> = {
    confirm: status === 'pending' && BY_HAND.includes(payment_method),
    ship: status === 'paid' && payment_status !== 'refunded',
    deliver: status === 'shipped',
    return: status === 'shipped' || status === 'delivered',
    refund: refundable > 0,
    cancel: status === 'pending' || status === 'paid',
  };
  return (Object.keys(possible) as OrderAction[]).filter((action) => possible[action]);
}

/** What has been taken and neither gone back nor is about to. */
export function refundableOf(payments: readonly Payment[], refunds: readonly Refund[]): number {
  const taken = payments.filter(({ status }) => status === 'succeeded');
  const underWay = refunds.filter(({ status }) => LIVE.includes(status));
  const left =
    sum(taken.map(({ amount, refunded_amount }) => amount - refunded_amount)) -
    sum(underWay.map(({ amount }) => amount));
  // Differences of decimals are not quite decimal.
  return Math.round(left * PRECISION) / PRECISION;
}

const sum = (amounts: readonly number[]) => amounts.reduce((total, amount) => total + amount, 0);

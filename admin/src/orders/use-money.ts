import { useQuery } from '@tanstack/react-query';
import { call } from '../api/call';
import type { Payment, Refund } from './order.types';
import { refundableOf } from './order-actions';

/** More attempts than that no order has. */
const LIMIT = 100;

export interface OrderMoney {
  payments: readonly Payment[];
  refunds: readonly Refund[];
  /** In major units; 0 until it is known. */
  refundable: number;
  isPending: boolean;
  error: Error | null;
  retry: () => Promise<unknown>;
}

/** Where an order's money came from, and where it went. */
export function useMoney(orderId: string): OrderMoney {
  const { data, isPending, error, refetch } = useQuery({
    queryKey: ['orders', 'money', orderId],
    queryFn: async ({ signal }) => {
      const options = { query: { limit: LIMIT }, signal };
      const [{ payments }, { refunds }] = await Promise.all([
        call<{ payments: Payment[] }>(`/admin/orders/${orderId}/payments`, options),
        call<{ refunds: Refund[] }>(`/admin/orders/${orderId}/refunds`, options),
      ]);
      return { payments, refunds, refundable: refundableOf(payments, refunds) };
    },
  });
  const known = data ?? { payments: [], refunds: [], refundable: 0 };
  return { ...known, isPending, error, retry: refetch };
}

import { useQuery } from '@tanstack/react-query';
import { call } from '../api/call';

/** The one currency of the shop, for amounts that come without it. Any product names it; undefined as long as there is none. */
export function useCurrency(): string | undefined {
  const { data } = useQuery({
    queryKey: ['currency'],
    queryFn: async ({ signal }) => {
      const { products } = await call<{ products: { currency: string }[] }>('/products', {
        query: { limit: 1 },
        signal,
      });
      return products[0]?.currency ?? null;
    },
    staleTime: ({ state }) => (state.data ? Number.POSITIVE_INFINITY : 0),
  });
  return data ?? undefined;
}

import { Box, Skeleton, Typography } from '@mui/material';
import { type UseQueryResult, useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { call } from '../api/call';
import { Fault } from '../parts/fault';
import { Link, listPath } from '../parts/link';
import { Section } from '../parts/section';
import type { DashboardFigures, LowProduct } from './dashboard.types';

const ROWS = 5;

interface Listed {
  id: number;
  name: string;
  sku: string;
  told: string;
}

/** What is to be ordered anew: a few of what has run out, and of what is about to. */
export function StockLists({ stock }: Pick<DashboardFigures, 'stock'>) {
  const gone = useQuery({
    // Asked anew whenever the figures change.
    queryKey: ['dashboard-gone', stock],
    queryFn: () =>
      call<{ products: Omit<Listed, 'told'>[] }>('/products', {
        query: { in_stock: false, active: true, limit: ROWS },
      }),
    placeholderData: (previous) => previous,
  });
  const low = useQuery({
    queryKey: ['dashboard-low', stock],
    queryFn: () =>
      call<{ products: LowProduct[] }>('/inventory/low-stock', { query: { sort: 'stock', limit: ROWS } }),
    placeholderData: (previous) => previous,
  });
  return (
    <Section title="Stock">
      <Box sx={{ display: 'grid', gap: 3, gridTemplateColumns: { xs: '1fr', sm: '1fr 1fr' } }}>
        <Products
          title={`Out of stock (${stock.out_of_stock.toLocaleString()})`}
          none="Everything is there."
          query={gone}
          products={gone.data?.products.map((product) => ({ ...product, told: '0' }))}
          more={<Link to={listPath('products', { in_stock: false })}>All that is out of stock</Link>}
        />
        <Products
          title={`Low stock (${stock.low_stock.toLocaleString()})`}
          none="Nothing is below its threshold."
          query={low}
          products={low.data?.products.map((product) => ({
            ...product,
            id: product.product_id,
            told: `${product.stock} of ${product.low_stock_threshold}`,
          }))}
        />
      </Box>
    </Section>
  );
}

interface ProductsProps {
  title: string;
  none: string;
  query: Pick<UseQueryResult, 'error' | 'refetch'>;
  products: Listed[] | undefined;
  more?: ReactNode;
}

function Products({ title, none, query: { error, refetch }, products, more }: ProductsProps) {
  return (
    <div>
      <Typography variant="h3" sx={{ mb: 0.5 }}>
        {title}
      </Typography>
      {error && <Fault error={error} retry={refetch} />}
      {!products && !error && <Skeleton variant="rounded" height={96} />}
      {products?.length === 0 && (
        <Typography variant="body2" color="textSecondary">
          {none}
        </Typography>
      )}
      <Box component="ul" sx={{ m: 0, p: 0, listStyle: 'none' }}>
        {products?.map(({ id, name, sku, told }) => (
          <Box
            component="li"
            key={id}
            sx={{
              py: { xs: 1.25, sm: 0.75 },
              display: 'flex',
              gap: 1,
              alignItems: 'baseline',
              borderBottom: 1,
              borderColor: 'divider',
              typography: 'body2',
            }}
          >
            <Box sx={{ flexGrow: 1, minWidth: 0, overflowWrap: 'anywhere' }}>
              <Link to={`/products/${id}`}>{name}</Link>{' '}
              <Typography component="span" variant="caption" color="textSecondary">
                {sku}
              </Typography>
            </Box>
            <Box component="span" sx={{ whiteSpace: 'nowrap', fontVariantNumeric: 'tabular-nums' }}>
              {told}
            </Box>
          </Box>
        ))}
      </Box>
      {more && products && products.length > 0 && (
        <Typography variant="body2" sx={{ mt: 1 }}>
          {more}
        </Typography>
      )}
    </div>
  );
}

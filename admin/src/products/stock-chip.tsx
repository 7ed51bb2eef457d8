import { Chip } from '@mui/material';
import type { Variant } from './product.types';

type Stocked = Pick<Variant, 'stock' | 'low_stock_threshold' | 'active'>;

/** What can be sold now, and whether somebody should order more. */
export function StockChip({ stock, low_stock_threshold, active }: Stocked) {
  if (!active) return <Chip size="small" variant="outlined" label={`${stock} · inactive`} />;
  if (stock === 0) return <Chip size="small" variant="outlined" color="error" label="Out of stock" />;
  if (stock <= low_stock_threshold)
    return <Chip size="small" variant="outlined" color="warning" label={`${stock} · low`} />;
  return <span>{stock.toLocaleString()}</span>;
}

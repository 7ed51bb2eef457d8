import { Box, Typography } from '@mui/material';
import { Link, listPath } from '../parts/link';
import { Section } from '../parts/section';
import { wordsOf } from '../parts/texts';
import type { DashboardFigures } from './dashboard.types';

const COLORS: Record<string, string> = {
  pending: 'info.main',
  paid: 'primary.main',
  shipped: 'primary.main',
  delivered: 'success.main',
  expired: 'warning.main',
  failed: 'error.main',
  cancelled: 'text.secondary',
};

/** What has become of the orders of these days: each a way to them. */
export function OrdersByStatus({ figures }: { figures: DashboardFigures }) {
  const { orders_by_status, days, total } = figures;
  const from = days[0]?.date;
  return (
    <Section title="Orders by state">
      <Typography variant="body2" color="textSecondary" sx={{ mb: 1 }}>
        Placed in the last {days.length} days
      </Typography>
      <Box component="ul" sx={{ m: 0, p: 0, listStyle: 'none' }}>
        {Object.entries(orders_by_status).map(([status, orders]) => (
          <Box component="li" key={status} sx={{ py: { xs: 1, sm: 0.75 } }}>
            <Box sx={{ display: 'flex', justifyContent: 'space-between', typography: 'body2' }}>
              <Link to={listPath('orders', { status, from })}>{wordsOf(status)}</Link>
              <Box component="span" sx={{ fontVariantNumeric: 'tabular-nums' }}>
                {orders.toLocaleString()}
              </Box>
            </Box>
            <Box aria-hidden sx={{ mt: 0.5, height: 6, borderRadius: 3, bgcolor: 'action.hover' }}>
              <Box
                sx={{
                  height: '100%',
                  borderRadius: 3,
                  bgcolor: COLORS[status],
                  width: `${total.orders === 0 ? 0 : (orders / total.orders) * 100}%`,
                }}
              />
            </Box>
          </Box>
        ))}
      </Box>
    </Section>
  );
}

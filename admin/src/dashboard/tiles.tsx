import { Box, Card, Typography } from '@mui/material';
import type { ReactNode } from 'react';
import { Link, listPath } from '../parts/link';
import { moneyText } from '../parts/texts';
import type { DashboardFigures } from './dashboard.types';

/** How they stand side by side. */
export const TILES = {
  display: 'grid',
  gap: 2,
  gridTemplateColumns: { xs: '1fr 1fr', lg: 'repeat(4, 1fr)' },
  '@media (max-width: 360px)': { gridTemplateColumns: '1fr' },
};

/** The four figures that are looked at first. */
export function Tiles({ figures }: { figures: DashboardFigures }) {
  const { total, days, currency, stock, reservations } = figures;
  const money = (amount: number) => moneyText(amount, currency);
  const from = days[0]?.date ?? '';
  return (
    <Box sx={TILES}>
      <Tile
        label="Revenue"
        value={money(total.revenue)}
        below={
          total.refunded > 0
            ? `${money(total.captured)} less ${money(total.refunded)} refunded`
            : `in ${days.length} days`
        }
      />
      <Tile
        label="Orders"
        value={total.orders.toLocaleString()}
        below={<Link to={listPath('orders', { from })}>Look at them</Link>}
      />
      <Tile
        label="Stock value"
        value={money(stock.stock_value)}
        below={`${stock.units.toLocaleString()} units of ${stock.products.toLocaleString()} products`}
      />
      <Tile
        label="Active holds"
        value={reservations.active.toLocaleString()}
        below={
          <>
            <Link to={listPath('reservations', { status: 'active' })}>
              {stock.reserved_units.toLocaleString()} units held
            </Link>
            {reservations.overdue > 0 && `, ${reservations.overdue.toLocaleString()} overdue`}
          </>
        }
      />
    </Box>
  );
}

function Tile({ label, value, below }: { label: string; value: string; below: ReactNode }) {
  return (
    <Card sx={{ p: 2, minWidth: 0 }}>
      <Typography variant="body2" color="textSecondary">
        {label}
      </Typography>
      <Typography
        component="p"
        sx={{
          fontSize: { xs: '1.25rem', sm: '1.625rem' },
          fontWeight: 650,
          lineHeight: 1.3,
          fontVariantNumeric: 'tabular-nums',
          overflowWrap: 'anywhere',
        }}
      >
        {value}
      </Typography>
      <Typography variant="caption" color="textSecondary" component="p">
        {below}
      </Typography>
    </Card>
  );
}

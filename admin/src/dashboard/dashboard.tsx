import { Box, Skeleton, Stack, ToggleButton, ToggleButtonGroup, Typography } from '@mui/material';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Title } from 'react-admin';
import { call } from '../api/call';
import { Fault } from '../parts/fault';
import type { DashboardFigures } from './dashboard.types';
import { OrdersByStatus } from './orders-by-status';
import { SalesChart } from './sales-chart';
import { StockLists } from './stock-lists';
import { SystemState } from './system-state';
import { TILES, Tiles } from './tiles';

const PERIODS = [7, 30, 90] as const;
const REFRESH_MS = 30_000;
const COLUMNS = { display: 'grid', gap: 2, gridTemplateColumns: { xs: '1fr', lg: '2fr 1fr' } };

/** What an admin sees first. Asked for anew twice a minute, for as long as somebody looks. */
export default function Dashboard() {
  const [days, setDays] = useState<number>(30);
  const { data, error, refetch } = useQuery({
    queryKey: ['dashboard', days],
    queryFn: ({ signal }) => call<DashboardFigures>('/admin/dashboard', { query: { days }, signal }),
    placeholderData: keepPreviousData,
    refetchInterval: REFRESH_MS,
  });
  return (
    <Stack spacing={2} sx={{ py: 1 }}>
      <Title title="Dashboard" />
      <Stack direction="row" sx={{ flexWrap: 'wrap', gap: 1, alignItems: 'center' }}>
        <Typography variant="body2" color="textSecondary" sx={{ flexGrow: 1 }}>
          Days begin at midnight, UTC.
        </Typography>
        <ToggleButtonGroup
          exclusive
          size="small"
          value={days}
          aria-label="Period"
          onChange={(_, chosen: number | null) => chosen && setDays(chosen)}
        >
          {PERIODS.map((period) => (
            <ToggleButton key={period} value={period} sx={{ px: 1.5 }}>
              {period} days
            </ToggleButton>
          ))}
        </ToggleButtonGroup>
      </Stack>
      {error && <Fault error={error} retry={refetch} />}
      {data ? <Figures figures={data} /> : !error && <Awaited />}
    </Stack>
  );
}

function Figures({ figures }: { figures: DashboardFigures }) {
  return (
    <>
      <Tiles figures={figures} />
      <Box sx={COLUMNS}>
        <SalesChart days={figures.days} currency={figures.currency} />
        <OrdersByStatus figures={figures} />
      </Box>
      <Box sx={COLUMNS}>
        <StockLists stock={figures.stock} />
        <SystemState figures={figures} />
      </Box>
    </>
  );
}

/** As large as what is about to stand there. */
function Awaited() {
  return (
    <>
      <Box sx={TILES}>
        {['revenue', 'orders', 'stock', 'holds'].map((tile) => (
          <Skeleton key={tile} variant="rounded" height={106} />
        ))}
      </Box>
      <Box sx={COLUMNS}>
        <Skeleton variant="rounded" height={478} />
        <Skeleton variant="rounded" height={478} />
      </Box>
    </>
  );
}

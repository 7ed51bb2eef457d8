import { Grid, Stack } from '@mui/material';
import { useRecordContext } from 'react-admin';
import { ShowPage } from '../parts/show-page';
import type { Order } from './order.types';
import { OrderActions } from './order-actions-bar';
import { HistoryCard, LinesCard } from './order-cards';
import { MoneyCard } from './order-money';
import { SummaryCard } from './order-summary';
import { useMoney } from './use-money';

export default function OrderShow() {
  return (
    <ShowPage isWide>
      <OrderPage />
    </ShowPage>
  );
}

function OrderPage() {
  const order = useRecordContext<Order>();
  return order ? <Whole order={order} /> : null;
}

function Whole({ order }: { order: Order }) {
  const money = useMoney(order.id);
  return (
    <Stack spacing={2}>
      <OrderActions order={order} refundable={money.refundable} />
      <Grid container spacing={2}>
        <Grid size={{ xs: 12, lg: 8 }}>
          <Stack spacing={2}>
            <LinesCard order={order} />
            <MoneyCard money={money} />
          </Stack>
        </Grid>
        <Grid size={{ xs: 12, lg: 4 }}>
          <Stack spacing={2}>
            <SummaryCard order={order} />
            <HistoryCard order={order} />
          </Stack>
        </Grid>
      </Grid>
    </Stack>
  );
}

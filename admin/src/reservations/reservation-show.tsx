import { Box, Stack, Typography } from '@mui/material';
import { type RaRecord, useGetMany, useRecordContext } from 'react-admin';
import { OrderLink } from '../events/about';
import { Facts } from '../parts/facts';
import { Link } from '../parts/link';
import { Section } from '../parts/section';
import { ShowPage } from '../parts/show-page';
import { durationText, timeText, wordsOf } from '../parts/texts';
import { Countdown } from './countdown';
import type { Reservation } from './reservation.types';
import { ReservationActions } from './reservation-actions';
import { ReservationState } from './reservation-state';

export default function ReservationShow() {
  return (
    <ShowPage>
      <ReservationPage />
    </ShowPage>
  );
}

function ReservationPage() {
  const reservation = useRecordContext<Reservation>();
  if (!reservation) return null;
  const { order_id, status, payment_method, ttl_seconds, expires_at, created_at, ended_at, reason } =
    reservation;
  const isActive = status === 'active';
  return (
    <>
      <Section title="Hold" aside={isActive && <ReservationActions reservation={reservation} />}>
        {isActive && (
          <Box sx={{ mb: 2 }}>
            <Typography variant="body2" color="textSecondary">
              Ends in
            </Typography>
            <Typography component="div" sx={{ fontSize: '2rem', lineHeight: 1.2, fontWeight: 650 }}>
              <Countdown until={expires_at} />
            </Typography>
          </Box>
        )}
        <Facts
          facts={[
            ['State', <ReservationState key="state" status={status} />],
            ['Order', <OrderLink key="order" orderId={order_id} />],
            ['Since', timeText(created_at)],
            [isActive ? 'Until' : 'Was to end', timeText(expires_at)],
            ['At first for', durationText(ttl_seconds)],
            ...(payment_method ? [['Payment', wordsOf(payment_method)] as const] : []),
            ...(ended_at ? [['Ended', timeText(ended_at)] as const] : []),
            ...(reason ? [['Because', reason] as const] : []),
          ]}
        />
      </Section>
      <Section title="Goods">
        <Goods items={reservation.items} />
      </Section>
    </>
  );
}

function Goods({ items }: Pick<Reservation, 'items'>) {
  const { data = [] } = useGetMany<RaRecord>('products', { ids: items.map(({ product_id }) => product_id) });
  const names = new Map(data.map(({ id, name }) => [id, name as string]));
  return (
    <Stack component="ul" spacing={0.5} sx={{ m: 0, p: 0, listStyle: 'none' }}>
      {items.map(({ product_id, quantity }) => (
        <Box component="li" key={product_id} sx={{ display: 'flex', gap: 1, typography: 'body2' }}>
          <Box component="span" sx={{ minWidth: 32, textAlign: 'right', fontVariantNumeric: 'tabular-nums' }}>
            {quantity.toLocaleString()} ×
          </Box>
          <Link to={`/products/${product_id}`}>{names.get(product_id) ?? `Product ${product_id}`}</Link>
        </Box>
      ))}
    </Stack>
  );
}

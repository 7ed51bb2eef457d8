import { Box, Card, CardContent, Link, Typography } from '@mui/material';
import type { ReactNode } from 'react';
import { useGetOne } from 'react-admin';
import { Link as RouterLink } from 'react-router-dom';
import { CopyableId } from '../parts/copy-button';
import { timeText, wordsOf } from '../parts/texts';
import type { User } from '../users/user.types';
import type { Order } from './order.types';

/** Who has ordered, and where it goes. */
export function SummaryCard({ order }: { order: Order }) {
  const { shipping_address: address, reservation } = order;
  return (
    <Card>
      <CardContent>
        <Typography variant="h2">Order</Typography>
        <Box component="dl" sx={{ m: 0, mt: 1, '& dd': { m: 0, mb: 1, overflowWrap: 'anywhere' } }}>
          <Entry label="Number">
            <CopyableId id={order.id} />
          </Entry>
          <Entry label="Customer">
            <Customer id={order.user_id} />
          </Entry>
          <Entry label="Pays by">{wordsOf(order.payment_method)}</Entry>
          {reservation?.status === 'active' && (
            <Entry label="Goods are held until">{timeText(reservation.expires_at)}</Entry>
          )}
          {order.tracking_number && <Entry label="Tracking number">{order.tracking_number}</Entry>}
          {address && (
            <Entry label="Ships to">
              {[
                address.name,
                ...address.lines,
                `${address.postal_code} ${address.city}`,
                countryText(address.country),
                address.phone,
              ]
                .filter(Boolean)
                .map((line) => (
                  <div key={line}>{line}</div>
                ))}
            </Entry>
          )}
          {order.note && <Entry label="Note">{order.note}</Entry>}
        </Box>
      </CardContent>
    </Card>
  );
}

/** A country's name in the reader's language; its code if it has none. */
function countryText(code: string): string {
  try {
    return new Intl.DisplayNames(undefined, { type: 'region' }).of(code) ?? code;
  } catch {
    return code;
  }
}

function Entry({ label, children }: { label: string; children: ReactNode }) {
  return (
    <>
      <Typography component="dt" variant="caption" color="textSecondary">
        {label}
      </Typography>
      <Typography component="dd" variant="body2">
        {children}
      </Typography>
    </>
  );
}

/** Whoever has been deleted since is known by the number alone. */
function Customer({ id }: { id: number }) {
  const { data: user } = useGetOne<User>('users', { id }, { retry: false });
  if (!user) return <span>No. {id}</span>;
  return (
    <Link component={RouterLink} to={`/users/${id}`}>
      {user.email ?? `Guest no. ${id}`}
    </Link>
  );
}

import ReleaseIcon from '@mui/icons-material/LockOpenOutlined';
import { Stack, Typography } from '@mui/material';
import { TextInput, useRefresh } from 'react-admin';
import { call } from '../api/call';
import { ActionDialog } from '../parts/action-dialog';
import { ExtendHold } from './extend-hold';
import type { Reservation } from './reservation.types';

interface ReservationActionsProps {
  reservation: Reservation;
  variant?: 'text' | 'outlined';
}

/** What can be done about an active hold. That of one of the shop's own orders ends with its order. */
export function ReservationActions({ reservation, variant }: ReservationActionsProps) {
  const refresh = useRefresh();
  const release = (values: object, idempotencyKey: string) =>
    call<Reservation>(`/inventory/reservations/${reservation.id}/release`, {
      method: 'POST',
      body: values,
      idempotencyKey,
    });
  return (
    <Stack direction="row" spacing={1}>
      <ExtendHold reservation={reservation} variant={variant} />
      <ActionDialog
        label="Release"
        icon={<ReleaseIcon />}
        variant={variant}
        isGrave
        done="Released: the goods can be sold again."
        act={release}
        onDone={refresh}
      >
        <Typography variant="body2">
          The goods can be sold to others at once. The hold is over: it cannot be taken up again.
        </Typography>
        <TextInput source="reason" isRequired autoFocus />
      </ActionDialog>
    </Stack>
  );
}

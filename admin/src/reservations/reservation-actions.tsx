import ReleaseIcon from '@mui/icons-material/LockOpenOutlined';
import ExtendIcon from '@mui/icons-material/MoreTimeOutlined';
import { InputAdornment, Stack, Typography } from '@mui/material';
import { NumberInput, TextInput, useRefresh } from 'react-admin';
import { call } from '../api/call';
import { ActionDialog } from '../parts/action-dialog';
import { timeText } from '../parts/texts';
import { spanText } from './countdown';
import type { Reservation } from './reservation.types';

const EXTENSION_SECONDS = 600;
const MS_PER_SECOND = 1_000;

interface ReservationActionsProps {
  reservation: Reservation;
  variant?: 'text' | 'outlined';
}

/** What can be done about an active hold. That of one of the shop's own orders ends with its order. */
export function ReservationActions({ reservation, variant }: ReservationActionsProps) {
  const refresh = useRefresh();
  const ask = (verb: 'extend' | 'release') => (values: object, idempotencyKey: string) =>
    call<Reservation>(`/inventory/reservations/${reservation.id}/${verb}`, {
      method: 'POST',
      body: values,
      idempotencyKey,
    });
  return (
    <Stack direction="row" spacing={1}>
      <ActionDialog
        label="Extend"
        icon={<ExtendIcon />}
        variant={variant}
        done={(answer) => `Held until ${timeText((answer as Reservation).expires_at)}.`}
        defaultValues={{ seconds: EXTENSION_SECONDS }}
        act={ask('extend')}
        onDone={refresh}
      >
        <Typography variant="body2">
          The goods are held for longer: by at most {reservation.ttl_seconds.toLocaleString()} seconds (
          {spanText(reservation.ttl_seconds * MS_PER_SECOND)}) in all, which is for how long they were held at
          first.
        </Typography>
        <NumberInput
          source="seconds"
          label="By"
          min={1}
          step={1}
          isRequired
          autoFocus
          slotProps={{ input: { endAdornment: <InputAdornment position="end">seconds</InputAdornment> } }}
        />
      </ActionDialog>
      <ActionDialog
        label="Release"
        icon={<ReleaseIcon />}
        variant={variant}
        isGrave
        done="Released: the goods can be sold again."
        act={ask('release')}
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

import ExtendIcon from '@mui/icons-material/MoreTimeOutlined';
import { InputAdornment, Typography } from '@mui/material';
import { HttpError, NumberInput, useRefresh } from 'react-admin';
import { useWatch } from 'react-hook-form';
import { call, filledIn } from '../api/call';
import { ActionDialog } from '../parts/action-dialog';
import { durationText, timeText } from '../parts/texts';
import type { Reservation } from './reservation.types';

const MINUTES = 10;
const SECONDS_PER_MINUTE = 60;
const MS_PER_SECOND = 1_000;

interface ExtendHoldProps {
  reservation: Reservation;
  variant?: 'text' | 'outlined';
}

/** Holds goods for longer. People count in minutes, the API in seconds. */
export function ExtendHold({ reservation, variant }: ExtendHoldProps) {
  const refresh = useRefresh();
  const { id, ttl_seconds, expires_at } = reservation;

  const extend = ({ minutes }: Record<string, unknown>, idempotencyKey: string) =>
    call<Reservation>(`/inventory/reservations/${id}/extend`, {
      method: 'POST',
      body: filledIn({ seconds: typeof minutes === 'number' ? secondsOf(minutes) : undefined }),
      idempotencyKey,
    }).catch((error: HttpError) => {
      throw inMinutes(error);
    });

  return (
    <ActionDialog
      label="Extend"
      icon={<ExtendIcon />}
      variant={variant}
      done={(answer) => `Held until ${timeText((answer as Reservation).expires_at)}.`}
      defaultValues={{ minutes: MINUTES }}
      act={extend}
      onDone={refresh}
    >
      <Typography variant="body2">
        At first the goods were held for {durationText(ttl_seconds)}. All extensions together may be as long
        as that.
      </Typography>
      <Minutes until={expires_at} />
    </ActionDialog>
  );
}

/** For how long, and until when that will be. */
function Minutes({ until }: { until: string }) {
  const minutes: unknown = useWatch({ name: 'minutes' });
  const byMs = typeof minutes === 'number' ? secondsOf(minutes) * MS_PER_SECOND : 0;
  const end = timeText(new Date(Date.parse(until) + byMs).toISOString());
  return (
    <NumberInput
      source="minutes"
      label="By"
      min={0}
      step="any"
      isRequired
      autoFocus
      helperText={`Until ${end}.`}
      slotProps={{ input: { endAdornment: <InputAdornment position="end">minutes</InputAdornment> } }}
    />
  );
}

const secondsOf = (minutes: number) => Math.round(minutes * SECONDS_PER_MINUTE);

/** What the API says of seconds, of the minutes that were filled in. */
function inMinutes(error: HttpError): HttpError {
  const { code, errors, seconds_left } = error.body ?? {};
  if (!errors?.seconds) return error;
  const message =
    code === 'extension_too_long' ? leftText(seconds_left) : 'At least a second, and at most a week.';
  return new HttpError(message, error.status, { ...error.body, errors: { minutes: message } });
}

const leftText = (seconds: number) =>
  seconds > 0
    ? `It can be extended by ${durationText(seconds)} more at most.`
    : 'It has been extended as far as it may be.';

import RefreshIcon from '@mui/icons-material/Refresh';
import ResendIcon from '@mui/icons-material/Replay';
import { Box, Button, IconButton, MenuItem, Skeleton, Stack, TextField, Typography } from '@mui/material';
import { useState } from 'react';
import { call } from '../api/call';
import { ActionDialog } from '../parts/action-dialog';
import { Fault } from '../parts/fault';
import { StateChip, type Tone } from '../parts/fields';
import { Link } from '../parts/link';
import { Section } from '../parts/section';
import { timeText, wordsOf } from '../parts/texts';
import { useCursorList } from '../parts/use-cursor-list';
import { DELIVERY_STATUSES, type Delivery } from './webhook.types';

const TONES: Record<Delivery['status'], Tone> = { pending: 'info', delivered: 'success', failed: 'error' };

/** What was sent to an endpoint and what has become of it, newest first. */
export function Deliveries({ endpointId }: { endpointId: number }) {
  const [status, setStatus] = useState('');
  const list = useCursorList<Delivery>(`/admin/webhook-endpoints/${endpointId}/deliveries`, 'deliveries', {
    status,
  });
  return (
    <Section
      title="Deliveries"
      aside={
        <Stack direction="row" sx={{ alignItems: 'center' }}>
          <TextField
            select
            label="Show"
            size="small"
            value={status}
            onChange={({ target }) => setStatus(target.value)}
            sx={{ width: 140, my: 0 }}
            slotProps={{ select: { displayEmpty: true }, inputLabel: { shrink: true } }}
          >
            <MenuItem value="">All</MenuItem>
            {DELIVERY_STATUSES.map((each) => (
              <MenuItem key={each} value={each}>
                {wordsOf(each)}
              </MenuItem>
            ))}
          </TextField>
          <IconButton title="Look again" aria-label="Look again" onClick={list.refetch}>
            <RefreshIcon />
          </IconButton>
        </Stack>
      }
    >
      {list.error && <Fault error={list.error} retry={list.refetch} />}
      {list.isPending && <Skeleton variant="rounded" height={240} />}
      {!list.error && !list.isPending && list.rows.length === 0 && (
        <Typography variant="body2" color="textSecondary">
          Nothing{status && ' of that kind'} so far.
        </Typography>
      )}
      <Box component="ul" sx={{ m: 0, p: 0, listStyle: 'none' }}>
        {list.rows.map((delivery) => (
          <DeliveryRow key={delivery.id} delivery={delivery} onResent={list.refetch} />
        ))}
      </Box>
      {(list.toPrevious || list.toNext) && (
        <Stack direction="row" spacing={1} sx={{ mt: 1.5, justifyContent: 'flex-end' }}>
          <Button disabled={!list.toPrevious} onClick={() => list.toPrevious?.()}>
            Newer
          </Button>
          <Button disabled={!list.toNext} onClick={() => list.toNext?.()}>
            Older
          </Button>
        </Stack>
      )}
    </Section>
  );
}

function DeliveryRow({ delivery, onResent }: { delivery: Delivery; onResent: () => void }) {
  const { id, event_id, type, status, attempts, response_status, error, created_at, attempted_at } = delivery;
  const tries = `${attempts} ${attempts === 1 ? 'try' : 'tries'}`;
  return (
    <Box
      component="li"
      sx={{
        py: 1.25,
        borderTop: 1,
        borderColor: 'divider',
        display: 'flex',
        flexWrap: 'wrap',
        alignItems: 'center',
        gap: 1.5,
      }}
    >
      <Box sx={{ flex: '1 1 240px', minWidth: 0 }}>
        <Typography variant="body2" sx={{ fontWeight: 600 }}>
          <Link to={`/events/${event_id}/show`}>{type}</Link>
        </Typography>
        <Typography variant="caption" color="textSecondary" component="p" sx={{ overflowWrap: 'anywhere' }}>
          {timeText(attempted_at ?? created_at)} · {tries}
          {response_status !== null && ` · answered ${response_status}`}
          {error && ` · ${error}`}
        </Typography>
      </Box>
      <StateChip state={status} tone={TONES[status]} />
      <ActionDialog
        label="Resend"
        icon={<ResendIcon />}
        variant="text"
        done="On its way again."
        act={(_, idempotencyKey) =>
          call(`/admin/webhook-deliveries/${id}/resend`, { method: 'POST', idempotencyKey })
        }
        onDone={onResent}
      >
        <Typography variant="body2">
          The very same is sent once more, whatever has become of it. The receiver can tell a repeat by its
          webhook-id.
        </Typography>
      </ActionDialog>
    </Box>
  );
}

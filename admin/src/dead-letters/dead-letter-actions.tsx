import DiscardIcon from '@mui/icons-material/DeleteOutlined';
import RetryIcon from '@mui/icons-material/Replay';
import { Stack, Typography } from '@mui/material';
import { useRefresh } from 'react-admin';
import { call } from '../api/call';
import { ActionDialog } from '../parts/action-dialog';
import type { DeadLetter } from './dead-letter.types';

interface DeadLetterActionsProps {
  letter: DeadLetter;
  variant?: 'text' | 'outlined';
}

/** What can be done about a letter that nobody has resolved. */
export function DeadLetterActions({ letter, variant }: DeadLetterActionsProps) {
  const refresh = useRefresh();
  const resolve = (verb: 'retry' | 'discard') => (_: unknown, idempotencyKey: string) =>
    call(`/admin/dead-letters/${letter.id}/${verb}`, { method: 'POST', idempotencyKey });
  return (
    <Stack direction="row" spacing={1}>
      <ActionDialog
        label="Retry"
        icon={<RetryIcon />}
        variant={variant}
        done="Handed on again."
        act={resolve('retry')}
        onDone={refresh}
      >
        <Typography variant="body2">
          The event is handed to {letter.consumer} once more. If that fails again, it comes back as a new
          letter.
        </Typography>
      </ActionDialog>
      <ActionDialog
        label="Discard"
        icon={<DiscardIcon />}
        variant={variant}
        isGrave
        done="Given up."
        act={resolve('discard')}
        onDone={refresh}
      >
        <Typography variant="body2">
          The event is given up for {letter.consumer}: it will never act on it. This cannot be undone.
        </Typography>
      </ActionDialog>
    </Stack>
  );
}

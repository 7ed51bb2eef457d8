import {
  Alert,
  Button,
  Dialog,
  DialogActions,
  DialogContent,
  DialogTitle,
  Stack,
  TextField,
} from '@mui/material';
import { useId } from 'react';
import { CopyButton } from './copy-button';

interface ShownOnceProps {
  title: string;
  /** What the secret is called. */
  label: string;
  secret: string;
  onClose: () => void;
}

/** A secret that the API tells this once. Only its own button closes it: a click beside it would lose the secret for good. */
export function ShownOnce({ title, label, secret, onClose }: ShownOnceProps) {
  const heading = useId();
  return (
    <Dialog open fullWidth maxWidth="sm" aria-labelledby={heading}>
      <DialogTitle id={heading}>{title}</DialogTitle>
      <DialogContent>
        <Stack spacing={2} sx={{ alignItems: 'flex-start' }}>
          <Alert severity="warning" sx={{ width: '100%' }}>
            This is shown once, and never again. Copy it to where it will be used, and close this by its
            button.
          </Alert>
          <TextField
            label={label}
            value={secret}
            fullWidth
            autoFocus
            onFocus={({ target }) => target.select()}
            slotProps={{
              htmlInput: { readOnly: true, spellCheck: false, style: { fontFamily: 'monospace' } },
            }}
          />
          <CopyButton text={secret} />
        </Stack>
      </DialogContent>
      <DialogActions sx={{ px: 3, pb: 2 }}>
        <Button variant="contained" onClick={onClose}>
          I have kept it
        </Button>
      </DialogActions>
    </Dialog>
  );
}

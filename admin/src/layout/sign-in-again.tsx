import {
  Alert,
  Button,
  Dialog,
  DialogActions,
  DialogContent,
  DialogTitle,
  Stack,
  TextField,
  Typography,
} from '@mui/material';
import { type FormEvent, useEffect, useId, useState } from 'react';
import { HttpError, useLogout } from 'react-admin';
import { askedAgainBy, signIn, type User } from '../api/session';

interface Asked {
  user: User;
  resolve: () => void;
  reject: (error: Error) => void;
}

/** When the session ends, the page stays as it is, with what is filled in, until its admin has signed in again. */
export function SignInAgain() {
  const [asked, setAsked] = useState<Asked | null>(null);
  useEffect(() => {
    askedAgainBy((user) => new Promise((resolve, reject) => setAsked({ user, resolve, reject })));
    return () => askedAgainBy(null);
  }, []);
  return asked && <Question {...asked} close={() => setAsked(null)} />;
}

function Question({ user, resolve, reject, close }: Asked & { close: () => void }) {
  const heading = useId();
  const logout = useLogout();
  const [fault, setFault] = useState<string>();
  const [isUnderWay, setIsUnderWay] = useState(false);

  const again = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setIsUnderWay(true);
    setFault(undefined);
    try {
      await signIn(user.email, String(new FormData(event.currentTarget).get('password')));
      close();
      resolve();
    } catch (error) {
      setFault((error as Error).message);
      setIsUnderWay(false);
    }
  };

  const leave = () => {
    close();
    reject(new HttpError('The session has ended.', 401));
    void logout();
  };

  return (
    <Dialog open fullWidth maxWidth="xs" aria-labelledby={heading}>
      <form onSubmit={again}>
        <DialogTitle id={heading} variant="h2" sx={{ pt: 2.5 }}>
          Sign in again
        </DialogTitle>
        <DialogContent>
          <Stack spacing={2}>
            <Typography variant="body2">
              The session has ended. What you have filled in is still there.
            </Typography>
            <TextField
              label="Email"
              value={user.email}
              autoComplete="username"
              slotProps={{ htmlInput: { readOnly: true } }}
            />
            <TextField
              name="password"
              type="password"
              label="Password"
              autoComplete="current-password"
              required
              autoFocus
            />
            {fault && <Alert severity="error">{fault}</Alert>}
          </Stack>
        </DialogContent>
        <DialogActions sx={{ px: 3, pb: 2 }}>
          <Button onClick={leave}>Leave</Button>
          <Button type="submit" variant="contained" loading={isUnderWay} loadingPosition="start">
            Sign in
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

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
import { useEffect, useId, useState } from 'react';
import { HttpError, useLogout } from 'react-admin';
import { askedAgainBy, signIn, type User } from '../api/session';
import { PasswordField, useSigningIn } from './credentials';

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
  const { fault, isUnderWay, submit } = useSigningIn(async (form) => {
    await signIn(user.email, String(form.get('password')));
    close();
    resolve();
  });

  const leave = () => {
    close();
    reject(new HttpError('The session has ended.', 401));
    void logout();
  };

  return (
    <Dialog open fullWidth maxWidth="xs" aria-labelledby={heading}>
      <form onSubmit={submit}>
        <DialogTitle id={heading} variant="h2" sx={{ pt: 2.5 }}>
          Sign in again
        </DialogTitle>
        <DialogContent>
          <Stack spacing={2}>
            <Typography variant="body2">
              The session has ended. What you have filled in is still there, unless you leave.
            </Typography>
            <TextField
              label="Email"
              value={user.email}
              autoComplete="username"
              slotProps={{ htmlInput: { readOnly: true } }}
            />
            <PasswordField autoFocus />
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

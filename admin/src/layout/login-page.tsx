import { Alert, Box, Button, Card, Stack, TextField, Typography } from '@mui/material';
import { useEffect } from 'react';
import { Notification, useCheckAuth, useLogin } from 'react-admin';
import { useNavigate } from 'react-router-dom';
import icon from '../icon.svg';
import { PasswordField, useSigningIn } from './credentials';

export function LoginPage() {
  const login = useLogin();
  const { fault, isUnderWay, submit } = useSigningIn((form) =>
    login({ email: String(form.get('email')), password: String(form.get('password')) }),
  );
  useLeaveWhenSignedIn();

  return (
    <Box
      component="main"
      sx={{ minHeight: '100vh', display: 'grid', placeItems: 'center', p: 2, bgcolor: 'background.default' }}
    >
      <title>Sign in – Holdfast</title>
      <Card sx={{ width: '100%', maxWidth: 380, p: { xs: 3, sm: 4 } }}>
        <Stack component="form" spacing={2} onSubmit={submit}>
          <Stack direction="row" spacing={1.5} sx={{ alignItems: 'center' }}>
            <img src={icon} width={36} height={36} alt="" />
            <Typography variant="h1">Holdfast</Typography>
          </Stack>
          <Typography color="textSecondary">Sign in to manage the shop.</Typography>
          {fault && <Alert severity="error">{fault}</Alert>}
          <TextField name="email" type="email" label="Email" autoComplete="username" required autoFocus />
          <PasswordField />
          <Button type="submit" variant="contained" size="large" loading={isUnderWay} loadingPosition="start">
            Sign in
          </Button>
        </Stack>
      </Card>
      <Notification />
    </Box>
  );
}

function useLeaveWhenSignedIn(): void {
  const checkAuth = useCheckAuth();
  const navigate = useNavigate();
  useEffect(() => {
    checkAuth({}, false).then(
      () => navigate('/'),
      () => undefined,
    );
  }, [checkAuth, navigate]);
}

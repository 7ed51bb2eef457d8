import { Alert, Button } from '@mui/material';

interface FaultProps {
  error: Error;
  retry: () => unknown;
}

/** What could not be read, and why: it is not to be taken for something that is not there. */
export function Fault({ error, retry }: FaultProps) {
  return (
    <Alert
      severity="error"
      action={
        <Button color="inherit" size="small" onClick={() => retry()}>
          Try again
        </Button>
      }
    >
      {error.message}
    </Alert>
  );
}

/** For queries whose fault stands on the page: react-admin would tell it at the foot as well, or lead away. */
export const TOLD_ON_PAGE = { onError: () => undefined };

import { Alert, Button } from '@mui/material';
import { useState } from 'react';

interface FaultProps {
  error: Error;
  /** Is under way until the promise is kept, if it is one. */
  retry: () => unknown;
}

/** What could not be read, and why: it is not to be taken for something that is not there. */
export function Fault({ error, retry }: FaultProps) {
  const [isTrying, setIsTrying] = useState(false);
  const tryAgain = async () => {
    setIsTrying(true);
    await retry();
    setIsTrying(false);
  };
  return (
    <Alert
      severity="error"
      action={
        <Button
          color="inherit"
          size="small"
          sx={{ whiteSpace: 'nowrap' }}
          loading={isTrying}
          onClick={tryAgain}
        >
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

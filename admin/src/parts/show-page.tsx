import { Stack } from '@mui/material';
import type { ReactNode } from 'react';
import { Loading, Show } from 'react-admin';
import { Fault, TOLD_ON_PAGE } from './fault';

interface ShowPageProps {
  /** Uses the whole width of the window. */
  isWide?: boolean;
  children: ReactNode;
}

/** One thing to look at, in sections. What is wider than the page is scrolled within its section. */
export function ShowPage({ isWide, children }: ShowPageProps) {
  return (
    <Show
      actions={false}
      component="div"
      queryOptions={TOLD_ON_PAGE}
      sx={{ '& .RaShow-card': { minWidth: 0 } }}
      render={({ record, error, refetch }) => (
        <Stack spacing={2} sx={{ maxWidth: isWide ? 'none' : 880 }}>
          {error && <Fault error={error} retry={refetch} />}
          {record && children}
          {!record && !error && <Loading />}
        </Stack>
      )}
    />
  );
}

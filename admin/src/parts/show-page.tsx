import { Stack } from '@mui/material';
import type { ReactNode } from 'react';
import { Show } from 'react-admin';

/** One thing to look at, in sections. What is wider than the page is scrolled within its section. */
export function ShowPage({ children }: { children: ReactNode }) {
  return (
    <Show actions={false} component="div" sx={{ '& .RaShow-card': { minWidth: 0 } }}>
      <Stack spacing={2} sx={{ maxWidth: 880 }}>
        {children}
      </Stack>
    </Show>
  );
}

import { Box } from '@mui/material';
import type { ReactNode } from 'react';

/** What there is to know of one thing, by name. */
export function Facts({ facts }: { facts: readonly (readonly [string, ReactNode])[] }) {
  return (
    <Box
      component="dl"
      sx={{
        m: 0,
        display: 'grid',
        gridTemplateColumns: { xs: '1fr', sm: 'minmax(120px, max-content) 1fr' },
        columnGap: 3,
        rowGap: { xs: 0, sm: 1 },
      }}
    >
      {facts.map(([name, value]) => (
        <Box key={name} sx={{ display: 'contents' }}>
          <Box component="dt" sx={{ color: 'text.secondary', typography: 'body2' }}>
            {name}
          </Box>
          <Box
            component="dd"
            sx={{ m: 0, mb: { xs: 1.25, sm: 0 }, typography: 'body2', overflowWrap: 'anywhere', minWidth: 0 }}
          >
            {value}
          </Box>
        </Box>
      ))}
    </Box>
  );
}

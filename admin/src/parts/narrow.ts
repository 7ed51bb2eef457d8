import { type Breakpoint, type Theme, useMediaQuery } from '@mui/material';

/** In a table: where there is no room for a column, what it says stands below the first one. */
export const WIDE = { display: { xs: 'none', sm: 'table-cell' } };
export const NARROW = { display: { sm: 'none' } };

/** Whether the window is narrower than the breakpoint. */
export function useNarrow(breakpoint: Breakpoint): boolean {
  return useMediaQuery<Theme>((theme) => theme.breakpoints.down(breakpoint));
}

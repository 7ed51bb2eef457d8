import { Link as MuiLink } from '@mui/material';
import type { ReactNode } from 'react';
import { Link as RouterLink } from 'react-router-dom';

interface LinkProps {
  to: string;
  title?: string;
  children: ReactNode;
}

/** A way to another page. In a row that is itself clickable it does not open the row. */
export function Link({ to, title, children }: LinkProps) {
  return (
    <MuiLink
      component={RouterLink}
      to={to}
      title={title}
      underline="always"
      onClick={(event) => event.stopPropagation()}
    >
      {children}
    </MuiLink>
  );
}

/** The address of a list, narrowed by these filters. */
export function listPath(resource: string, filter: Record<string, unknown> = {}): string {
  const query = new URLSearchParams({
    filter: JSON.stringify(filter),
    displayedFilters: JSON.stringify(Object.fromEntries(Object.keys(filter).map((name) => [name, true]))),
  });
  return `/${resource}?${query}`;
}

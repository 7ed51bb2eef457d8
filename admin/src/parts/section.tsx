import { Card, CardContent, Stack, Typography } from '@mui/material';
import { type ReactNode, useId } from 'react';

interface SectionProps {
  title: string;
  /** What stands beside the title. */
  aside?: ReactNode;
  children: ReactNode;
}

/** A part of a page, with a heading of its own. */
export function Section({ title, aside, children }: SectionProps) {
  const heading = useId();
  return (
    <Card component="section" aria-labelledby={heading} sx={{ height: '100%' }}>
      <CardContent sx={{ position: 'relative', '&:last-child': { pb: 2 } }}>
        <Stack direction="row" sx={{ mb: 1.5, gap: 1, flexWrap: 'wrap', alignItems: 'center' }}>
          <Typography variant="h2" id={heading} sx={{ flexGrow: 1 }}>
            {title}
          </Typography>
          {aside}
        </Stack>
        {children}
      </CardContent>
    </Card>
  );
}

import { Box } from '@mui/material';

/** What the API says as it stands, for who wants to know exactly. With the keyboard it is scrolled like any part of the page. */
export function JsonBlock({ value, label }: { value: unknown; label: string }) {
  return (
    <Box
      component="pre"
      role="group"
      aria-label={label}
      tabIndex={0}
      sx={{
        m: 0,
        p: 1.5,
        maxHeight: 360,
        overflow: 'auto',
        borderRadius: 1,
        bgcolor: 'action.hover',
        fontFamily: 'ui-monospace, SFMono-Regular, Menlo, Consolas, monospace',
        fontSize: '0.8125rem',
        lineHeight: 1.5,
        // Sentences are read, not scrolled.
        ...(typeof value === 'string' && { whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }),
      }}
    >
      {typeof value === 'string' ? value : JSON.stringify(value, null, 2)}
    </Box>
  );
}

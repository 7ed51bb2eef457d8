import { Alert, Box } from '@mui/material';
import { Title } from 'react-admin';
import { Link } from '../parts/link';
import { Section } from '../parts/section';

/** Where an address leads nowhere. */
export function NotFound() {
  return (
    <Box>
      <Section title="There is no such page">
        <Title title="Not found" />
        <Alert severity="info">
          The address is mistyped, or whatever it led to is gone. <Link to="/">To the dashboard</Link>
        </Alert>
      </Section>
    </Box>
  );
}

import { Stack } from '@mui/material';
import { Show, useRecordContext } from 'react-admin';
import { About } from '../events/about';
import { Facts } from '../parts/facts';
import { StateChip } from '../parts/fields';
import { JsonBlock } from '../parts/json-block';
import { Link } from '../parts/link';
import { Section } from '../parts/section';
import { timeText } from '../parts/texts';
import type { WholeDeadLetter } from './dead-letter.types';
import { DeadLetterActions } from './dead-letter-actions';

export default function DeadLetterShow() {
  return (
    <Show actions={false} component="div">
      <DeadLetterPage />
    </Show>
  );
}

function DeadLetterPage() {
  const letter = useRecordContext<WholeDeadLetter>();
  if (!letter) return null;
  const { type, consumer, error, attempts, failed_at, event_id, data, resolution, resolved_at } = letter;
  return (
    <Stack spacing={2} sx={{ maxWidth: 880 }}>
      <Section
        title={`${type} for ${consumer}`}
        aside={resolution ? <StateChip state={resolution} /> : <DeadLetterActions letter={letter} />}
      >
        <Facts
          facts={[
            ['About', <About key="about" data={data} />],
            ['Given up', `${timeText(failed_at)}, after ${attempts} ${attempts === 1 ? 'try' : 'tries'}`],
            ...(resolution ? [['Resolved', timeText(resolved_at)] as const] : []),
            [
              'Event',
              <Link key="event" to={`/events/${event_id}/show`}>
                {event_id}
              </Link>,
            ],
          ]}
        />
      </Section>
      <Section title="What went wrong">
        <JsonBlock value={error} label="Error" />
      </Section>
      <Section title="What the event says">
        <JsonBlock value={data} label="What the event says" />
      </Section>
    </Stack>
  );
}

import { useRecordContext } from 'react-admin';
import { About } from '../events/about';
import { CopyableId } from '../parts/copy-button';
import { Facts } from '../parts/facts';
import { StateChip } from '../parts/fields';
import { JsonBlock } from '../parts/json-block';
import { Link } from '../parts/link';
import { Section } from '../parts/section';
import { ShowPage } from '../parts/show-page';
import { shortId, timeText } from '../parts/texts';
import type { KnownDeadLetter } from './dead-letter.types';
import { DeadLetterActions } from './dead-letter-actions';

export default function DeadLetterShow() {
  return (
    <ShowPage>
      <DeadLetterPage />
    </ShowPage>
  );
}

function DeadLetterPage() {
  const letter = useRecordContext<KnownDeadLetter>();
  if (!letter) return null;
  const { type, consumer, error, attempts, failed_at, event_id, data, resolution, resolved_at } = letter;
  return (
    <>
      <Section
        title={`${type} for ${consumer}`}
        aside={resolution ? <StateChip state={resolution} /> : <DeadLetterActions letter={letter} />}
      >
        <Facts
          facts={[
            ...(data ? [['About', <About key="about" data={data} />] as const] : []),
            ['Given up', `${timeText(failed_at)}, after ${attempts} ${attempts === 1 ? 'try' : 'tries'}`],
            ...(resolution ? [['Resolved', timeText(resolved_at)] as const] : []),
            [
              'Event',
              <CopyableId key="event" id={event_id}>
                <Link to={`/events/${event_id}/show`}>{shortId(event_id)}</Link>
              </CopyableId>,
            ],
          ]}
        />
      </Section>
      <Section title="What went wrong">
        <JsonBlock value={error} label="Error" />
      </Section>
      {data && (
        <Section title="What the event says">
          <JsonBlock value={data} label="What the event says" />
        </Section>
      )}
    </>
  );
}

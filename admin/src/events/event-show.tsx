import { useRecordContext } from 'react-admin';
import { CopyableId } from '../parts/copy-button';
import { Facts } from '../parts/facts';
import { JsonBlock } from '../parts/json-block';
import { Section } from '../parts/section';
import { ShowPage } from '../parts/show-page';
import { timeText } from '../parts/texts';
import { About } from './about';
import type { Event } from './event.types';

export default function EventShow() {
  return (
    <ShowPage>
      <EventPage />
    </ShowPage>
  );
}

function EventPage() {
  const event = useRecordContext<Event>();
  if (!event) return null;
  return (
    <>
      <Section title={event.type}>
        <Facts
          facts={[
            ['About', <About key="about" data={event.data} />],
            ['When', timeText(event.created_at)],
            ['Id', <CopyableId key="id" id={event.id} />],
          ]}
        />
      </Section>
      <Section title="What it says">
        <JsonBlock value={event.data} label="What the event says" />
      </Section>
    </>
  );
}

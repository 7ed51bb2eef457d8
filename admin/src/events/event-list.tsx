import { DataTable, FunctionField, SelectInput, SimpleList } from 'react-admin';
import { TimeField } from '../parts/fields';
import { Link } from '../parts/link';
import { useNarrow } from '../parts/narrow';
import { PageList } from '../parts/page-list';
import { timeText } from '../parts/texts';
import { About, aboutText } from './about';
import { EVENT_CHOICES, type Event } from './event.types';

const filters = [<SelectInput key="type" source="type" choices={EVENT_CHOICES} alwaysOn emptyText="All" />];

export default function EventList() {
  const isPhone = useNarrow('sm');
  return (
    <PageList title="Events" filters={filters} actions={false}>
      {isPhone ? (
        <SimpleList<Event>
          primaryText={({ type }) => type}
          secondaryText={({ data, created_at }) => `${aboutText(data)} · ${timeText(created_at)}`}
        />
      ) : (
        <DataTable bulkActionButtons={false}>
          <DataTable.Col source="type" disableSort>
            <FunctionField<Event> render={({ id, type }) => <Link to={`/events/${id}/show`}>{type}</Link>} />
          </DataTable.Col>
          <DataTable.Col label="About" disableSort>
            <FunctionField<Event> render={({ data }) => <About data={data} />} />
          </DataTable.Col>
          <DataTable.Col source="created_at" label="When" disableSort>
            <TimeField source="created_at" />
          </DataTable.Col>
        </DataTable>
      )}
    </PageList>
  );
}

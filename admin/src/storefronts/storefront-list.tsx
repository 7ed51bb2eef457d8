import { DataTable, FunctionField, SimpleList } from 'react-admin';
import { TimeField } from '../parts/fields';
import { Link } from '../parts/link';
import { useNarrow } from '../parts/narrow';
import { PageList } from '../parts/page-list';

export default function StorefrontList() {
  const isPhone = useNarrow('sm');
  return (
    <PageList title="Storefronts">
      {isPhone ? (
        <SimpleList primaryText={({ name }) => name} secondaryText={({ description }) => description} />
      ) : (
        <DataTable bulkActionButtons={false}>
          <DataTable.NumberCol source="id" label="No." disableSort />
          <DataTable.Col source="name" disableSort>
            <FunctionField render={({ id, name }) => <Link to={`/storefronts/${id}`}>{name}</Link>} />
          </DataTable.Col>
          <DataTable.Col source="description" disableSort sx={{ maxWidth: 480 }} />
          <DataTable.Col source="created_at" label="Opened" disableSort>
            <TimeField source="created_at" />
          </DataTable.Col>
        </DataTable>
      )}
    </PageList>
  );
}

import { type Theme, useMediaQuery } from '@mui/material';
import { DataTable, SimpleList } from 'react-admin';
import { TimeField } from '../parts/fields';
import { PageList } from '../parts/page-list';

export default function StorefrontList() {
  const isPhone = useMediaQuery<Theme>((theme) => theme.breakpoints.down('sm'));
  return (
    <PageList title="Storefronts">
      {isPhone ? (
        <SimpleList primaryText={({ name }) => name} secondaryText={({ description }) => description} />
      ) : (
        <DataTable bulkActionButtons={false}>
          <DataTable.NumberCol source="id" label="No." disableSort />
          <DataTable.Col source="name" disableSort />
          <DataTable.Col source="description" disableSort sx={{ maxWidth: 480 }} />
          <DataTable.Col source="created_at" label="Opened" disableSort>
            <TimeField source="created_at" />
          </DataTable.Col>
        </DataTable>
      )}
    </PageList>
  );
}

import { Typography } from '@mui/material';
import { CreateButton, DataTable, FunctionField, SimpleList, TopToolbar } from 'react-admin';
import { StateChip, TimeField } from '../parts/fields';
import { Link } from '../parts/link';
import { useNarrow } from '../parts/narrow';
import { PageList } from '../parts/page-list';
import { type Endpoint, subscriptionsText } from './webhook.types';

export default function EndpointList() {
  const isPhone = useNarrow('sm');
  return (
    <PageList
      title="Webhooks"
      actions={
        <TopToolbar>
          <CreateButton />
        </TopToolbar>
      }
    >
      {isPhone ? (
        <SimpleList<Endpoint>
          empty={<NoEndpoints />}
          primaryText={({ url }) => url}
          secondaryText={({ events }) => subscriptionsText(events)}
          tertiaryText={(endpoint) => <EndpointState {...endpoint} />}
          sx={{ '& .MuiListItemText-primary': { overflowWrap: 'anywhere' } }}
        />
      ) : (
        <DataTable bulkActionButtons={false} empty={<NoEndpoints />}>
          <DataTable.Col source="url" label="Address" disableSort sx={{ overflowWrap: 'anywhere' }}>
            <FunctionField<Endpoint>
              render={({ id, url }) => <Link to={`/webhook-endpoints/${id}`}>{url}</Link>}
            />
          </DataTable.Col>
          <DataTable.Col source="events" label="Told of" disableSort>
            <FunctionField<Endpoint> render={({ events }) => subscriptionsText(events)} />
          </DataTable.Col>
          <DataTable.Col source="active" label="State" disableSort>
            <FunctionField<Endpoint> render={(endpoint) => <EndpointState {...endpoint} />} />
          </DataTable.Col>
          <DataTable.Col source="created_at" label="Since" disableSort>
            <TimeField source="created_at" />
          </DataTable.Col>
        </DataTable>
      )}
    </PageList>
  );
}

function EndpointState({ active }: Pick<Endpoint, 'active'>) {
  return <StateChip state={active ? 'active' : 'switched_off'} tone={active ? 'success' : 'default'} />;
}

function NoEndpoints() {
  return (
    <Typography sx={{ p: 3 }} color="textSecondary">
      None yet: nobody outside is told what happens here.
    </Typography>
  );
}

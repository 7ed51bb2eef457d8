import RevokeIcon from '@mui/icons-material/BlockOutlined';
import { Box, Typography } from '@mui/material';
import { CreateButton, DataTable, FunctionField, SimpleList, TopToolbar, useRefresh } from 'react-admin';
import { call } from '../api/call';
import { ActionDialog } from '../parts/action-dialog';
import { TimeField } from '../parts/fields';
import { useNarrow } from '../parts/narrow';
import { PageList } from '../parts/page-list';
import { timeText } from '../parts/texts';
import type { ApiKey } from './api-key.types';

export default function ApiKeyList() {
  const isPhone = useNarrow('md');
  return (
    <PageList
      title="API keys"
      actions={
        <TopToolbar>
          <CreateButton />
        </TopToolbar>
      }
    >
      {isPhone ? (
        <SimpleList<ApiKey>
          rowClick={false}
          empty={<NoKeys />}
          primaryText={({ name }) => name}
          secondaryText={({ prefix, scopes }) => `${prefix}… · ${scopes.join(', ')}`}
          tertiaryText={(apiKey) => <Revoke apiKey={apiKey} />}
        />
      ) : (
        <DataTable bulkActionButtons={false} rowClick={false} empty={<NoKeys />}>
          <DataTable.Col source="name" disableSort />
          <DataTable.Col source="prefix" label="Begins with" disableSort>
            <FunctionField<ApiKey>
              render={({ prefix }) => (
                <Box component="code" sx={{ fontSize: '0.8125rem' }}>
                  {prefix}…
                </Box>
              )}
            />
          </DataTable.Col>
          <DataTable.Col source="scopes" label="May" disableSort>
            <FunctionField<ApiKey> render={({ scopes }) => scopes.join(', ')} />
          </DataTable.Col>
          <DataTable.Col source="created_at" label="Made" disableSort>
            <TimeField source="created_at" />
          </DataTable.Col>
          <DataTable.Col source="last_used_at" label="Last used" disableSort>
            <FunctionField<ApiKey>
              render={({ last_used_at }) => (last_used_at ? timeText(last_used_at) : 'Never')}
            />
          </DataTable.Col>
          <DataTable.Col label="Actions" disableSort>
            <FunctionField<ApiKey> render={(apiKey) => <Revoke apiKey={apiKey} />} />
          </DataTable.Col>
        </DataTable>
      )}
    </PageList>
  );
}

function Revoke({ apiKey: { id, name } }: { apiKey: ApiKey }) {
  const refresh = useRefresh();
  return (
    <ActionDialog
      label="Revoke"
      icon={<RevokeIcon />}
      variant="text"
      isGrave
      done="Revoked."
      act={() => call(`/admin/api-keys/${id}`, { method: 'DELETE' })}
      onDone={refresh}
    >
      <Typography variant="body2">
        Whoever uses the key “{name}” is refused from now on, everywhere and for good.
      </Typography>
    </ActionDialog>
  );
}

function NoKeys() {
  return (
    <Typography sx={{ p: 3 }} color="textSecondary">
      None yet: no other system may ask for stock.
    </Typography>
  );
}

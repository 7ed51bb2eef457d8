import { Typography } from '@mui/material';
import { DataTable, FunctionField, SimpleList, TopToolbar } from 'react-admin';
import { TimeField } from '../parts/fields';
import { Link } from '../parts/link';
import { useNarrow } from '../parts/narrow';
import { PageList } from '../parts/page-list';
import { type SortChoice, SortMenu } from '../parts/sort-menu';
import { timeText } from '../parts/texts';
import type { DeadLetter } from './dead-letter.types';
import { DeadLetterActions } from './dead-letter-actions';

const ORDERS: readonly SortChoice[] = [
  { label: 'Newest first', field: 'failed_at', order: 'DESC' },
  { label: 'Oldest first', field: 'failed_at', order: 'ASC' },
];

export default function DeadLetterList() {
  const isPhone = useNarrow('md');
  return (
    <PageList
      title="Dead letters"
      sort={{ field: 'failed_at', order: 'DESC' }}
      actions={
        <TopToolbar>
          <SortMenu choices={ORDERS} />
        </TopToolbar>
      }
    >
      {isPhone ? (
        <SimpleList<DeadLetter>
          empty={<NoLetters />}
          primaryText={({ type, consumer }) => `${type} for ${consumer}`}
          secondaryText={({ error, failed_at }) => `${timeText(failed_at)} · ${error}`}
          sx={{ '& .MuiListItemText-secondary': { overflowWrap: 'anywhere' } }}
          rowClick="show"
        />
      ) : (
        <DataTable bulkActionButtons={false} rowClick="show" empty={<NoLetters />}>
          <DataTable.Col source="type" label="Event" disableSort>
            <FunctionField<DeadLetter>
              render={({ id, type }) => <Link to={`/dead-letters/${id}/show`}>{type}</Link>}
            />
          </DataTable.Col>
          <DataTable.Col source="consumer" label="For" disableSort />
          <DataTable.Col source="error" disableSort sx={{ maxWidth: 360, overflowWrap: 'anywhere' }} />
          <DataTable.NumberCol source="attempts" label="Tries" disableSort />
          <DataTable.Col source="failed_at" label="Given up" disableSort>
            <TimeField source="failed_at" />
          </DataTable.Col>
          <DataTable.Col label="Actions" disableSort>
            <FunctionField<DeadLetter>
              render={(letter) => (
                // biome-ignore lint/a11y/noStaticElementInteractions lint/a11y/useKeyWithClickEvents: only keeps the row from being opened
                <div onClick={(event) => event.stopPropagation()}>
                  <DeadLetterActions letter={letter} variant="text" />
                </div>
              )}
            />
          </DataTable.Col>
        </DataTable>
      )}
    </PageList>
  );
}

function NoLetters() {
  return (
    <Typography sx={{ p: 3 }} color="textSecondary">
      None: every event has reached whoever acts on it.
    </Typography>
  );
}

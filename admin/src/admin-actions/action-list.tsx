import ExpandIcon from '@mui/icons-material/ExpandMore';
import {
  Accordion,
  AccordionDetails,
  AccordionSummary,
  Box,
  Table,
  TableBody,
  TableCell,
  TableHead,
  TableRow,
  Typography,
} from '@mui/material';
import {
  DateInput,
  FilterButton,
  Loading,
  NumberInput,
  RecordContextProvider,
  ReferenceField,
  SelectInput,
  TextField,
  TextInput,
  TopToolbar,
  useListContext,
  useRecordContext,
} from 'react-admin';
import { CopyableId } from '../parts/copy-button';
import { Link } from '../parts/link';
import { PageList } from '../parts/page-list';
import { shortId, timeText, wordsOf } from '../parts/texts';
import { type AdminAction, changesOf, ENTITIES, entityText, pageOf } from './action.types';

const CHOICES = ENTITIES.map((entity) => ({ id: entity, name: entityText(entity) }));

const filters = [
  <SelectInput key="entity" source="entity" label="What" choices={CHOICES} alwaysOn emptyText="All" />,
  <TextInput key="entity_id" source="entity_id" label="Its id" />,
  <NumberInput key="user" source="user" label="Admin, by id" min={1} step={1} />,
  <DateInput key="from" source="from" label="From" />,
  <DateInput key="to" source="to" label="To" />,
];

export default function ActionList() {
  return (
    <PageList
      title="Admin actions"
      filters={filters}
      actions={
        <TopToolbar>
          <FilterButton />
        </TopToolbar>
      }
    >
      <Actions />
    </PageList>
  );
}

/** One line each, which opens to what was changed: by mouse, by touch or by the keyboard. */
function Actions() {
  const { data } = useListContext<AdminAction>();
  if (!data) return <Loading />;
  if (data.length === 0)
    return (
      <Typography sx={{ p: 3 }} color="textSecondary">
        Nothing of the kind.
      </Typography>
    );
  return data.map((action) => (
    <RecordContextProvider key={action.id} value={action}>
      <Action />
    </RecordContextProvider>
  ));
}

function Action() {
  const action = useRecordContext<AdminAction>();
  if (!action) return null;
  const [, verb = ''] = action.action.split('.');
  const page = pageOf(action);
  return (
    <Accordion
      disableGutters
      square
      elevation={0}
      slotProps={{ transition: { unmountOnExit: true }, heading: { component: 'div' } }}
      sx={{ borderBottom: 1, borderColor: 'divider', '&::before': { display: 'none' } }}
    >
      <AccordionSummary expandIcon={<ExpandIcon />}>
        <Box
          sx={{
            width: '100%',
            display: 'grid',
            gridTemplateColumns: { xs: '1fr', sm: '2fr 1fr 1fr' },
            columnGap: 2,
            alignItems: 'baseline',
          }}
        >
          <Typography variant="body2" sx={{ fontWeight: 600, overflowWrap: 'anywhere' }}>
            {entityText(action.entity)} {shortId(action.entity_id)} {verb.replaceAll('_', ' ')}
          </Typography>
          <Typography variant="body2" color="textSecondary" component="div" sx={{ overflowWrap: 'anywhere' }}>
            <Who action={action} />
          </Typography>
          <Typography variant="body2" color="textSecondary">
            {timeText(action.at)}
          </Typography>
        </Box>
      </AccordionSummary>
      <AccordionDetails>
        <Typography variant="body2" sx={{ mb: 1, overflowWrap: 'anywhere' }}>
          {entityText(action.entity)}{' '}
          <CopyableId id={action.entity_id}>
            {page ? <Link to={page}>{shortId(action.entity_id)}</Link> : shortId(action.entity_id)}
          </CopyableId>
          {action.request_id && (
            <>
              {' · request '}
              <CopyableId id={action.request_id} />
            </>
          )}
        </Typography>
        <Changes action={action} />
      </AccordionDetails>
    </Accordion>
  );
}

/** Who has done it. Their name is asked for with all others of the page; who is gone is known by a number. */
function Who({ action: { user_id, api_key_id } }: { action: AdminAction }) {
  if (user_id !== null)
    return (
      <ReferenceField source="user_id" reference="users" link={false} emptyText={`Admin no. ${user_id}`}>
        <TextField source="email" variant="inherit" />
      </ReferenceField>
    );
  return api_key_id === null ? 'The service itself' : `API key no. ${api_key_id}`;
}

function Changes({ action }: { action: AdminAction }) {
  const changes = changesOf(action);
  if (changes.length === 0) return null;
  return (
    <Box sx={{ overflowX: 'auto' }}>
      <Table size="small">
        <TableHead>
          <TableRow>
            <TableCell>Member</TableCell>
            <TableCell>Was</TableCell>
            <TableCell>Is</TableCell>
          </TableRow>
        </TableHead>
        <TableBody>
          {changes.map(({ member, was, is }) => (
            <TableRow key={member}>
              <TableCell component="th" scope="row">
                {wordsOf(member)}
              </TableCell>
              <TableCell sx={{ overflowWrap: 'anywhere' }}>{was}</TableCell>
              <TableCell sx={{ overflowWrap: 'anywhere' }}>{is}</TableCell>
            </TableRow>
          ))}
        </TableBody>
      </Table>
    </Box>
  );
}

import { MenuItem, TextField as Select, Typography } from '@mui/material';
import { DataTable, FunctionField, SimpleList, TextInput, TopToolbar, useListContext } from 'react-admin';
import { TimeField } from '../parts/fields';
import { Link } from '../parts/link';
import { useNarrow } from '../parts/narrow';
import { orderText } from '../parts/order-text';
import { PageList } from '../parts/page-list';
import { timeText, wordsOf } from '../parts/texts';
import { Countdown } from './countdown';
import { RESERVATION_STATUSES, type Reservation, unitsOf } from './reservation.types';
import { ReservationActions } from './reservation-actions';
import { ReservationState } from './reservation-state';

const filters = [<TextInput key="order_id" source="order_id" label="Order id" alwaysOn resettable />];

/** What to show, and in which order: only what is active has an end to be sorted by. */
const VIEWS = [
  { label: 'Active, ending first', status: 'active', field: 'expires_at', order: 'ASC' },
  { label: 'Active, newest first', status: 'active', field: 'created_at', order: 'DESC' },
  { label: 'All', status: undefined, field: 'created_at', order: 'DESC' },
  ...RESERVATION_STATUSES.slice(1).map(
    (status) => ({ label: wordsOf(status), status, field: 'created_at', order: 'DESC' }) as const,
  ),
] as const;

export default function ReservationList() {
  const isPhone = useNarrow('md');
  return (
    <PageList
      title="Reservations"
      filters={filters}
      filterDefaultValues={{ status: 'active' }}
      sort={{ field: 'expires_at', order: 'ASC' }}
      actions={
        <TopToolbar>
          <ViewMenu />
        </TopToolbar>
      }
    >
      {isPhone ? <Cards /> : <Table />}
    </PageList>
  );
}

function ViewMenu() {
  const { filterValues, setFilters, sort, setSort } = useListContext();
  const chosen = VIEWS.findIndex(
    ({ status, field }) => status === filterValues.status && field === sort?.field,
  );
  return (
    <Select
      select
      label="Show"
      size="small"
      value={Math.max(chosen, 0)}
      onChange={({ target }) => {
        const { status, field, order } = VIEWS[Number(target.value)] as (typeof VIEWS)[number];
        const { status: _, ...others } = filterValues;
        setFilters(status ? { ...others, status } : others);
        setSort({ field, order });
      }}
      sx={{ width: 200, my: 0 }}
    >
      {VIEWS.map(({ label }, index) => (
        <MenuItem key={label} value={index}>
          {label}
        </MenuItem>
      ))}
    </Select>
  );
}

function Table() {
  return (
    <DataTable bulkActionButtons={false} rowClick="show" empty={<NoHolds />}>
      <DataTable.Col source="order_id" label="Order" disableSort>
        <FunctionField<Reservation>
          render={({ id, order_id }) => (
            <Link to={`/reservations/${id}/show`} title={order_id}>
              {orderText(order_id)}
            </Link>
          )}
        />
      </DataTable.Col>
      <DataTable.Col source="items" label="Goods" disableSort>
        <FunctionField<Reservation> render={unitsOf} />
      </DataTable.Col>
      <DataTable.Col source="status" disableSort>
        <FunctionField<Reservation> render={(reservation) => <ReservationState {...reservation} />} />
      </DataTable.Col>
      <DataTable.Col source="created_at" label="Since" disableSort>
        <TimeField source="created_at" />
      </DataTable.Col>
      <DataTable.Col source="expires_at" label="Ends in" align="right" disableSort>
        <FunctionField<Reservation> render={(reservation) => <EndOf reservation={reservation} />} />
      </DataTable.Col>
      <DataTable.Col label="Actions" disableSort>
        <FunctionField<Reservation>
          render={(reservation) =>
            reservation.status === 'active' && (
              // biome-ignore lint/a11y/noStaticElementInteractions lint/a11y/useKeyWithClickEvents: only keeps the row from being opened
              <div onClick={(event) => event.stopPropagation()}>
                <ReservationActions reservation={reservation} variant="text" />
              </div>
            )
          }
        />
      </DataTable.Col>
    </DataTable>
  );
}

function Cards() {
  return (
    <SimpleList<Reservation>
      rowClick="show"
      empty={<NoHolds />}
      primaryText={({ order_id }) => orderText(order_id)}
      secondaryText={(reservation) => (
        <>
          {unitsOf(reservation)} · <EndOf reservation={reservation} />
        </>
      )}
      tertiaryText={(reservation) => <ReservationState {...reservation} />}
    />
  );
}

/** How much time is left of what is held, and since when the others are not held any more. */
function EndOf({ reservation: { status, expires_at, ended_at } }: { reservation: Reservation }) {
  if (status === 'active') return <Countdown until={expires_at} />;
  return <span>{timeText(ended_at)}</span>;
}

function NoHolds() {
  return (
    <Typography sx={{ p: 3 }} color="textSecondary">
      No goods are held.
    </Typography>
  );
}

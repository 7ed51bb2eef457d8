import { DataTable, FunctionField, SearchInput, SelectInput, SimpleList, TopToolbar } from 'react-admin';
import { StateChip, TimeField } from '../parts/fields';
import { Link } from '../parts/link';
import { useNarrow } from '../parts/narrow';
import { PageList } from '../parts/page-list';
import { type SortChoice, SortMenu } from '../parts/sort-menu';
import type { User } from './user.types';

const ROLES = [
  { id: 'customer', name: 'Customers' },
  { id: 'guest', name: 'Guests' },
  { id: 'admin', name: 'Admins' },
];

const ORDERS: readonly SortChoice[] = [
  { label: 'Newest first', field: 'created_at', order: 'DESC' },
  { label: 'Email', field: 'email', order: 'ASC' },
  { label: 'Name', field: 'name', order: 'ASC' },
];

const filters = [
  <SearchInput
    key="q"
    source="q"
    alwaysOn
    placeholder="Part of the email or name"
    slotProps={{ htmlInput: { 'aria-label': 'Search by email or name' } }}
  />,
  <SelectInput key="role" source="role" choices={ROLES} alwaysOn emptyText="All" />,
];

export default function UserList() {
  const isPhone = useNarrow('sm');
  return (
    <PageList
      title="Customers"
      filters={filters}
      sort={{ field: 'created_at', order: 'DESC' }}
      actions={
        <TopToolbar>
          <SortMenu choices={ORDERS} />
        </TopToolbar>
      }
    >
      {isPhone ? <Cards /> : <Table />}
    </PageList>
  );
}

function Table() {
  return (
    <DataTable bulkActionButtons={false}>
      <DataTable.NumberCol source="id" label="No." options={{ useGrouping: false }} disableSort />
      <DataTable.Col source="email" disableSort>
        <FunctionField<User>
          render={({ id, email }) => <Link to={`/users/${id}`}>{email ?? `Guest no. ${id}`}</Link>}
        />
      </DataTable.Col>
      <DataTable.Col source="name" disableSort />
      <DataTable.Col source="role" disableSort>
        <FunctionField<User> render={({ role }) => <RoleChip role={role} />} />
      </DataTable.Col>
      <DataTable.NumberCol source="points" disableSort />
      <DataTable.Col source="created_at" label="Since" disableSort>
        <TimeField source="created_at" />
      </DataTable.Col>
    </DataTable>
  );
}

function Cards() {
  return (
    <SimpleList<User>
      primaryText={({ email, id }) => email ?? `Guest no. ${id}`}
      secondaryText={({ name, points }) =>
        [name, `${points.toLocaleString()} points`].filter(Boolean).join(' · ')
      }
      tertiaryText={({ role }) => <RoleChip role={role} />}
    />
  );
}

function RoleChip({ role }: Pick<User, 'role'>) {
  return <StateChip state={role} tone={role === 'admin' ? 'warning' : 'default'} />;
}

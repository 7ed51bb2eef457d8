import { Card, CardContent, Grid, Stack, Typography } from '@mui/material';
import { DataTable, FunctionField, SelectInput, SimpleForm, SimpleList, useRecordContext } from 'react-admin';
import type { Order } from '../orders/order.types';
import { OrderChip } from '../orders/order-chips';
import { EditPage } from '../parts/edit-page';
import { EditToolbar } from '../parts/edit-toolbar';
import { MoneyField, TimeField } from '../parts/fields';
import { Link } from '../parts/link';
import { useNarrow } from '../parts/narrow';
import { ListWithin } from '../parts/page-list';
import { moneyText, timeText } from '../parts/texts';
import type { User } from './user.types';

const ROLES = [
  { id: 'customer', name: 'Customer' },
  { id: 'admin', name: 'Admin' },
];

export default function UserEdit() {
  return (
    <EditPage component="div" actions={false}>
      <UserPage />
    </EditPage>
  );
}

function UserPage() {
  const user = useRecordContext<User>();
  if (!user) return null;
  return (
    <Grid container spacing={2}>
      <Grid size={{ xs: 12, md: 4 }}>
        <AccountCard user={user} />
      </Grid>
      <Grid size={{ xs: 12, md: 8 }}>
        <OrdersCard />
      </Grid>
    </Grid>
  );
}

function AccountCard({ user }: { user: User }) {
  const isGuest = user.role === 'guest';
  return (
    <Card>
      <CardContent>
        <Typography variant="h2" sx={{ overflowWrap: 'anywhere' }}>
          {user.name || (isGuest ? 'Guest' : user.email)}
        </Typography>
        <Stack sx={{ color: 'text.secondary', overflowWrap: 'anywhere' }}>
          {user.email && <span>{user.email}</span>}
          <span>
            No. {user.id}, since {timeText(user.created_at)}
          </span>
          <span>{user.points.toLocaleString()} points</span>
        </Stack>
      </CardContent>
      <SimpleForm toolbar={<AccountToolbar user={user} />}>
        {isGuest ? (
          <Typography variant="body2">A guest who registers becomes a customer.</Typography>
        ) : (
          <SelectInput
            source="role"
            choices={ROLES}
            isRequired
            helperText="Admins may do everything that this page can."
          />
        )}
      </SimpleForm>
    </Card>
  );
}

function AccountToolbar({ user }: { user: User }) {
  return (
    <EditToolbar
      isFixed={user.role === 'guest'}
      name={user.email ?? 'this guest'}
      explanation="They are signed out for good, and their email may register again. Their orders stay."
    />
  );
}

function OrdersCard() {
  const isPhone = useNarrow('sm');
  return (
    <Card>
      <CardContent sx={{ pb: 0 }}>
        <Typography variant="h2">Orders</Typography>
      </CardContent>
      <ListWithin reference="orders" target="user">
        {isPhone ? <Lines /> : <Table />}
      </ListWithin>
    </Card>
  );
}

function Table() {
  return (
    <DataTable bulkActionButtons={false} rowClick="show" size="small">
      <DataTable.Col source="created_at" label="Placed" disableSort>
        <FunctionField<Order>
          render={({ id }) => (
            <Link to={`/orders/${id}/show`}>
              <TimeField source="created_at" />
            </Link>
          )}
        />
      </DataTable.Col>
      <DataTable.Col source="total_price" label="Total" align="right" disableSort>
        <MoneyField source="total_price" />
      </DataTable.Col>
      <DataTable.Col source="status" disableSort>
        <FunctionField<Order> render={({ status }) => <OrderChip status={status} />} />
      </DataTable.Col>
    </DataTable>
  );
}

function Lines() {
  return (
    <SimpleList<Order>
      rowClick="show"
      primaryText={({ total_price, currency }) => moneyText(total_price, currency)}
      secondaryText={({ created_at }) => timeText(created_at)}
      tertiaryText={({ status }) => <OrderChip status={status} />}
    />
  );
}

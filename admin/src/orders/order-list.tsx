import { Box, Stack, Typography } from '@mui/material';
import {
  DataTable,
  DateInput,
  FilterButton,
  FunctionField,
  NumberInput,
  SearchInput,
  SelectInput,
  SimpleList,
  TopToolbar,
} from 'react-admin';
import { MoneyField, TimeField } from '../parts/fields';
import { Link } from '../parts/link';
import { useNarrow } from '../parts/narrow';
import { PageList } from '../parts/page-list';
import { type SortChoice, SortMenu } from '../parts/sort-menu';
import { moneyText, shortId, timeText, wordsOf } from '../parts/texts';
import { ORDER_STATUSES, type Order } from './order.types';
import { MoneyChip, OrderChip } from './order-chips';

const STATUSES = ORDER_STATUSES.map((id) => ({ id, name: wordsOf(id) }));

const ORDERS: readonly SortChoice[] = [
  { label: 'Newest first', field: 'created_at', order: 'DESC' },
  { label: 'Oldest first', field: 'created_at', order: 'ASC' },
  { label: 'Largest first', field: 'total_price', order: 'DESC' },
  { label: 'Smallest first', field: 'total_price', order: 'ASC' },
];

const filters = [
  <SearchInput
    key="q"
    source="q"
    alwaysOn
    placeholder="Order number or email"
    slotProps={{ htmlInput: { 'aria-label': 'Search by the beginning of an order number or an email' } }}
  />,
  <SelectInput key="status" source="status" choices={STATUSES} alwaysOn emptyText="All" />,
  <NumberInput key="user" source="user" label="Customer no." min={1} step={1} />,
  <NumberInput key="product" source="product" label="Product no." min={1} step={1} />,
  <DateInput key="from" source="from" label="From" parse={(day: string) => day} />,
  <DateInput key="to" source="to" label="To" parse={(day: string) => day} />,
];

export default function OrderList() {
  const isPhone = useNarrow('md');
  return (
    <PageList
      title="Orders"
      filters={filters}
      actions={<ListActions />}
      sort={{ field: 'created_at', order: 'DESC' }}
    >
      {isPhone ? <Cards /> : <Table />}
    </PageList>
  );
}

function ListActions() {
  return (
    <TopToolbar>
      <SortMenu choices={ORDERS} />
      <FilterButton />
    </TopToolbar>
  );
}

function Table() {
  return (
    <DataTable bulkActionButtons={false} rowClick="show">
      <DataTable.Col source="id" label="Order" disableSort>
        <FunctionField<Order> render={({ id }) => <ShortId id={id} />} />
      </DataTable.Col>
      <DataTable.Col source="created_at" label="Placed" disableSort>
        <TimeField source="created_at" />
      </DataTable.Col>
      <DataTable.Col source="user_id" label="Customer" disableSort>
        <FunctionField<Order> render={(order) => <Customer order={order} />} />
      </DataTable.Col>
      <DataTable.Col label="Goods" disableSort>
        <FunctionField<Order> render={(order) => goodsOf(order)} />
      </DataTable.Col>
      <DataTable.Col source="total_price" label="Total" align="right" disableSort>
        <MoneyField source="total_price" />
      </DataTable.Col>
      <DataTable.Col source="status" disableSort>
        <FunctionField<Order> render={({ status }) => <OrderChip status={status} />} />
      </DataTable.Col>
      <DataTable.Col source="payment_status" label="Money" disableSort>
        <FunctionField<Order> render={(order) => <Money order={order} />} />
      </DataTable.Col>
    </DataTable>
  );
}

function ShortId({ id }: Pick<Order, 'id'>) {
  return (
    <Box component="span" sx={{ whiteSpace: 'nowrap' }}>
      <Link to={`/orders/${id}/show`} title={id}>
        {shortId(id)}
      </Link>
    </Box>
  );
}

/** By the name to which it is sent: who has ordered is on the order's own page. */
function Customer({ order: { user_id, shipping_address } }: { order: Order }) {
  return <Link to={`/users/${user_id}`}>{shipping_address?.name ?? `No. ${user_id}`}</Link>;
}

function Money({ order }: { order: Order }) {
  return (
    <Stack sx={{ alignItems: 'flex-start' }}>
      <MoneyChip status={order.payment_status} />
      <Typography variant="caption" color="textSecondary">
        {wordsOf(order.payment_method)}
      </Typography>
    </Stack>
  );
}

function Cards() {
  return (
    <SimpleList<Order>
      rowClick="show"
      primaryText={(order) => moneyText(order.total_price, order.currency)}
      secondaryText={(order) => `${timeText(order.created_at)}, ${goodsOf(order)}`}
      tertiaryText={({ status }) => <OrderChip status={status} />}
    />
  );
}

/** The first line, and how many more. */
function goodsOf({ items }: Order): string {
  const [first, ...others] = items;
  if (!first) return '';
  return `${first.quantity} × ${first.product_name}${others.length > 0 ? ` and ${others.length} more` : ''}`;
}

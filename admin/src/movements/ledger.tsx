import { Box, Card, CardContent, Stack, Typography } from '@mui/material';
import { DataTable, FunctionField, SimpleList, useGetList } from 'react-admin';
import { Fault } from '../parts/fault';
import { TimeField } from '../parts/fields';
import { later } from '../parts/later';
import { Link } from '../parts/link';
import { useNarrow } from '../parts/narrow';
import { isOrderOfShop, orderText } from '../parts/order-text';
import { ListWithin } from '../parts/page-list';
import { timeText, wordsOf } from '../parts/texts';
import type { Movement } from './movement.types';

const LedgerChart = later(() => import('./ledger-chart'));

/** So many of the newest movements are drawn: one page of the API. */
const DRAWN_MAX = 100;

interface Stocked {
  id: number;
  created_at: string;
}

const signed = (delta: number) => `${delta > 0 ? '+' : '−'}${Math.abs(delta).toLocaleString()}`;
const causeOf = ({ reason, order_id }: Movement) =>
  reason ?? (order_id ? `Order ${orderText(order_id)}` : '');

/** A product's stock over time, and every movement that made it. */
export function Ledger({ product, isSoldItself }: { product: Stocked; isSoldItself: boolean }) {
  const isPhone = useNarrow('sm');
  const { data, error, refetch } = useGetList<Movement>('movements', {
    filter: { product_id: product.id },
    pagination: { page: 1, perPage: DRAWN_MAX },
  });
  return (
    <Card>
      <CardContent>
        <Typography variant="h2">Ledger</Typography>
        {(data || !error) && (
          <Typography variant="body2" color="textSecondary">
            {sentenceOf(data?.length, isSoldItself)}
          </Typography>
        )}
        {error && (
          <Box sx={{ mt: 1 }}>
            <Fault error={error} retry={refetch} />
          </Box>
        )}
        {data && data.length > 0 && (
          <Box sx={{ height: 220, mt: 1 }}>
            <LedgerChart movements={data} begin={data.length < DRAWN_MAX ? product.created_at : undefined} />
          </Box>
        )}
      </CardContent>
      {/* It is read from the same place: what has gone wrong there is said once. */}
      {(data || !error) && (
        <ListWithin reference="movements" target="product_id" empty={null}>
          {isPhone ? <Lines /> : <Table />}
        </ListWithin>
      )}
    </Card>
  );
}

function sentenceOf(movements: number | undefined, isSoldItself: boolean): string {
  if (movements === undefined) return 'Being read…';
  if (movements === 0 && !isSoldItself) return 'Each of its variants has a ledger of its own.';
  if (movements === 0) return 'Nothing has moved yet: it has what it began with.';
  return `What could be sold, over ${movements < DRAWN_MAX ? 'all' : `the last ${DRAWN_MAX}`} movements.`;
}

function Table() {
  return (
    <DataTable bulkActionButtons={false} rowClick={false} size="small">
      <DataTable.Col source="created_at" label="When" disableSort sx={{ whiteSpace: 'nowrap' }}>
        <TimeField source="created_at" />
      </DataTable.Col>
      <DataTable.Col source="type" label="What" disableSort>
        <FunctionField<Movement> render={(movement) => <Cause movement={movement} />} />
      </DataTable.Col>
      <DataTable.Col source="delta" label="Change" align="right" disableSort>
        <FunctionField<Movement> render={({ delta }) => signed(delta)} />
      </DataTable.Col>
      <DataTable.NumberCol source="stock_after" label="After" disableSort />
    </DataTable>
  );
}

function Cause({ movement }: { movement: Movement }) {
  return (
    <Stack sx={{ overflowWrap: 'break-word' }}>
      <span>{wordsOf(movement.type)}</span>
      <Typography variant="caption" color="textSecondary">
        <CauseText movement={movement} />
      </Typography>
      {movement.notes && (
        <Typography variant="caption" color="textSecondary">
          {movement.notes}
        </Typography>
      )}
    </Stack>
  );
}

/** The order that has moved it, if it is one of the shop's, is a way to it. */
function CauseText({ movement }: { movement: Movement }) {
  const { order_id } = movement;
  if (!order_id || !isOrderOfShop(order_id)) return causeOf(movement);
  return (
    <Link to={`/orders/${order_id}/show`} title={order_id}>
      {causeOf(movement)}
    </Link>
  );
}

function Lines() {
  return (
    <SimpleList<Movement>
      rowClick={false}
      primaryText={(movement) => `${signed(movement.delta)} ${causeOf(movement)}`}
      secondaryText={({ type, created_at }) => `${wordsOf(type)}, ${timeText(created_at)}`}
      tertiaryText={({ stock_after }) => stock_after.toLocaleString()}
    />
  );
}

import { Typography } from '@mui/material';
import { CreateButton, DataTable, FunctionField, SimpleList, TopToolbar } from 'react-admin';
import { StateChip, TimeField } from '../parts/fields';
import { Link } from '../parts/link';
import { useNarrow } from '../parts/narrow';
import { PageList } from '../parts/page-list';
import { type SortChoice, SortMenu } from '../parts/sort-menu';
import { moneyText, percentText } from '../parts/texts';
import { useCurrency } from '../parts/use-currency';
import type { Discount } from './discount.types';

const ORDERS: readonly SortChoice[] = [
  { label: 'Newest first', field: 'created_at', order: 'DESC' },
  { label: 'Code', field: 'code', order: 'ASC' },
];

export default function DiscountList() {
  const isPhone = useNarrow('sm');
  return (
    <PageList title="Discounts" actions={<ListActions />} sort={{ field: 'created_at', order: 'DESC' }}>
      {isPhone ? <Cards /> : <Table />}
    </PageList>
  );
}

function ListActions() {
  return (
    <TopToolbar>
      <SortMenu choices={ORDERS} />
      <CreateButton />
    </TopToolbar>
  );
}

function Table() {
  const currency = useCurrency();
  return (
    <DataTable bulkActionButtons={false}>
      <DataTable.Col source="code" disableSort sx={{ fontWeight: 600 }}>
        <FunctionField<Discount> render={({ id, code }) => <Link to={`/discounts/${id}`}>{code}</Link>} />
      </DataTable.Col>
      <DataTable.Col source="value" label="Takes off" align="right" disableSort>
        <FunctionField<Discount>
          render={(discount) => (
            <>
              {valueText(discount, currency)}
              {discount.min_items_price > 0 && (
                <Typography variant="caption" color="textSecondary" component="div">
                  from {moneyText(discount.min_items_price, currency)}
                </Typography>
              )}
            </>
          )}
        />
      </DataTable.Col>
      <DataTable.Col source="times_used" label="Used" align="right" disableSort>
        <FunctionField<Discount> render={usesText} />
      </DataTable.Col>
      <DataTable.Col source="starts_at" label="From" disableSort>
        <TimeField source="starts_at" />
      </DataTable.Col>
      <DataTable.Col source="ends_at" label="Until" disableSort>
        <TimeField source="ends_at" />
      </DataTable.Col>
      <DataTable.Col source="active" label="State" disableSort>
        <FunctionField<Discount> render={(discount) => <DiscountChip discount={discount} />} />
      </DataTable.Col>
    </DataTable>
  );
}

function Cards() {
  const currency = useCurrency();
  return (
    <SimpleList<Discount>
      primaryText={({ code }) => code}
      secondaryText={(discount) => `${valueText(discount, currency)} off, used ${usesText(discount)}`}
      tertiaryText={(discount) => <DiscountChip discount={discount} />}
    />
  );
}

const valueText = ({ kind, value }: Discount, currency: string | undefined) =>
  kind === 'percentage' ? percentText(value) : moneyText(value, currency);

const usesText = ({ times_used, usage_limit }: Discount) =>
  usage_limit === null ? `${times_used}` : `${times_used} of ${usage_limit}`;

/** Whether it can be used now, and if not, why. The API has the last word. */
function DiscountChip({ discount }: { discount: Discount }) {
  const { active, starts_at, ends_at, usage_limit, times_used } = discount;
  if (!active) return <StateChip state="inactive" />;
  if (ends_at && Date.parse(ends_at) <= Date.now()) return <StateChip state="ended" />;
  if (usage_limit !== null && times_used >= usage_limit) return <StateChip state="used_up" tone="warning" />;
  if (starts_at && Date.parse(starts_at) > Date.now()) return <StateChip state="not_yet" tone="info" />;
  return <StateChip state="in_use" tone="success" />;
}

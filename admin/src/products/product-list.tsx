import UploadIcon from '@mui/icons-material/UploadFileOutlined';
import { Avatar, Stack, Typography } from '@mui/material';
import {
  Button,
  CreateButton,
  DataTable,
  FilterButton,
  FunctionField,
  ReferenceField,
  ReferenceInput,
  SearchInput,
  SelectInput,
  SimpleList,
  TextField,
  TextInput,
  TopToolbar,
} from 'react-admin';
import { Link as RouterLink } from 'react-router-dom';
import { MoneyField } from '../parts/fields';
import { Link } from '../parts/link';
import { MoneyInput } from '../parts/money-input';
import { useNarrow } from '../parts/narrow';
import { PageList } from '../parts/page-list';
import { type SortChoice, SortMenu } from '../parts/sort-menu';
import { moneyText } from '../parts/texts';
import { ExportButton } from './export-button';
import type { Product } from './product.types';
import { StockChip } from './stock-chip';

const ACTIVE = [
  { id: true, name: 'Active' },
  { id: false, name: 'Inactive' },
];
const IN_STOCK = [
  { id: true, name: 'In stock' },
  { id: false, name: 'Out of stock' },
];

// Without an order the API puts what fits the words best first, or else goes by id.
const ORDERS: readonly SortChoice[] = [
  { label: 'Best match', field: 'id', order: 'ASC' },
  { label: 'Name', field: 'name', order: 'ASC' },
  { label: 'Cheapest first', field: 'price', order: 'ASC' },
  { label: 'Dearest first', field: 'price', order: 'DESC' },
  { label: 'Newest first', field: 'created_at', order: 'DESC' },
];

const filters = [
  <SearchInput key="q" source="q" alwaysOn slotProps={{ htmlInput: { 'aria-label': 'Search products' } }} />,
  <TextInput key="category" source="category" />,
  <SelectInput key="in_stock" source="in_stock" label="Stock" choices={IN_STOCK} />,
  <SelectInput key="active" source="active" label="State" choices={ACTIVE} />,
  <MoneyInput key="min_price" source="min_price" label="Price from" />,
  <MoneyInput key="max_price" source="max_price" label="Price to" />,
  <ReferenceInput key="storefront_id" source="storefront_id" reference="storefronts" perPage={100}>
    <SelectInput label="Storefront" />
  </ReferenceInput>,
];

export default function ProductList() {
  const isPhone = useNarrow('md');
  return (
    <PageList
      title="Products"
      filters={filters}
      actions={<ListActions />}
      sort={{ field: 'id', order: 'ASC' }}
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
      <Button label="Import" component={RouterLink} to="/products/import">
        <UploadIcon />
      </Button>
      <ExportButton />
      <CreateButton />
    </TopToolbar>
  );
}

function Table() {
  return (
    <DataTable bulkActionButtons={false}>
      <DataTable.Col label="Product" disableSort>
        <FunctionField<Product> render={(product) => <Named product={product} />} />
      </DataTable.Col>
      <DataTable.Col source="category" disableSort />
      <DataTable.Col source="storefront_id" label="Storefront" disableSort>
        <ReferenceField source="storefront_id" reference="storefronts" link={false} emptyText="–">
          <TextField source="name" />
        </ReferenceField>
      </DataTable.Col>
      <DataTable.Col source="price" align="right" disableSort>
        <MoneyField source="price" />
      </DataTable.Col>
      <DataTable.Col source="stock" align="right" disableSort>
        <FunctionField<Product> render={(product) => <StockChip {...product} />} />
      </DataTable.Col>
      <DataTable.NumberCol source="views" disableSort />
    </DataTable>
  );
}

function Cards() {
  return (
    <SimpleList<Product>
      leftIcon={(product) => <Picture product={product} />}
      primaryText={(product) => product.name}
      secondaryText={(product) => `${product.sku} · ${moneyText(product.price, product.currency)}`}
      tertiaryText={(product) => <StockChip {...product} />}
    />
  );
}

function Named({ product }: { product: Product }) {
  const variants = product.variants?.length ?? 0;
  return (
    <Stack direction="row" spacing={1.5} sx={{ alignItems: 'center' }}>
      <Picture product={product} />
      <div>
        <Typography variant="body2" sx={{ fontWeight: 600 }}>
          <Link to={`/products/${product.id}`}>{product.name}</Link>
        </Typography>
        <Typography variant="caption" color="textSecondary">
          {product.sku}
          {variants > 0 && ` · ${variants} variants`}
        </Typography>
      </div>
    </Stack>
  );
}

function Picture({ product }: { product: Product }) {
  return (
    <Avatar
      variant="rounded"
      alt=""
      src={product.image_url ?? undefined}
      sx={{
        width: 36,
        height: 36,
        bgcolor: 'action.selected',
        color: 'text.secondary',
        fontSize: '0.875rem',
      }}
    >
      {product.name.charAt(0).toUpperCase()}
    </Avatar>
  );
}

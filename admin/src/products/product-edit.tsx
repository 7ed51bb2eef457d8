import { Card, CardContent, Grid, Stack, Typography } from '@mui/material';
import { ReferenceField, SimpleForm, TextField, useRecordContext } from 'react-admin';
import { Ledger } from '../movements/ledger';
import { MoveStock } from '../movements/move-stock';
import { EditPage } from '../parts/edit-page';
import { EditToolbar } from '../parts/edit-toolbar';
import { timeText } from '../parts/texts';
import type { Product } from './product.types';
import { ProductInputs } from './product-form';
import { StockChip } from './stock-chip';
import { VariantsCard } from './variants-card';

export default function ProductEdit() {
  return (
    <EditPage component="div" actions={false}>
      <ProductPage />
    </EditPage>
  );
}

function ProductPage() {
  const product = useRecordContext<Product>();
  if (!product) return null;
  const isSoldItself = (product.variants?.length ?? 0) === 0;
  return (
    <Grid container spacing={2}>
      <Grid size={{ xs: 12, lg: 6, xl: 7 }}>
        <Stack spacing={2}>
          {product.parent_id !== null && <ParentLink />}
          <Card>
            <SimpleForm toolbar={<ProductToolbar product={product} />}>
              <ProductInputs currency={product.currency} hasParent={product.parent_id !== null} />
            </SimpleForm>
          </Card>
          {product.parent_id === null && <VariantsCard product={product} />}
        </Stack>
      </Grid>
      <Grid size={{ xs: 12, lg: 6, xl: 5 }}>
        <Stack spacing={2}>
          <StockCard product={product} isSoldItself={isSoldItself} />
          <Ledger product={product} isSoldItself={isSoldItself} />
        </Stack>
      </Grid>
    </Grid>
  );
}

function ParentLink() {
  return (
    <Typography variant="body2">
      A variant of{' '}
      <ReferenceField source="parent_id" reference="products">
        <TextField source="name" />
      </ReferenceField>
    </Typography>
  );
}

function StockCard({ product, isSoldItself }: { product: Product; isSoldItself: boolean }) {
  return (
    <Card>
      <CardContent>
        <Stack direction="row" spacing={1} sx={{ alignItems: 'center', justifyContent: 'space-between' }}>
          <Typography variant="h2">Stock</Typography>
          {isSoldItself && <MoveStock product={product} />}
        </Stack>
        <Typography sx={{ fontSize: '2rem', fontWeight: 650, lineHeight: 1.3 }}>
          {product.stock.toLocaleString()}
        </Typography>
        <Typography variant="body2" color="textSecondary">
          can be sold now. Seen {timesText(product.views)}, changed {timeText(product.updated_at)}.
        </Typography>
        {product.stock <= product.low_stock_threshold && <StockChip {...product} />}
      </CardContent>
    </Card>
  );
}

const timesText = (times: number) => (times === 1 ? 'once' : `${times.toLocaleString()} times`);

function ProductToolbar({ product }: { product: Product }) {
  return (
    <EditToolbar
      explanation="Nobody sees or buys it any more, nor its variants. Orders keep their lines."
      redirect={product.parent_id === null ? 'list' : () => `products/${product.parent_id}`}
    />
  );
}

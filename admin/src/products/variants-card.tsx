import AddIcon from '@mui/icons-material/AddOutlined';
import {
  Box,
  Card,
  CardContent,
  Link,
  Stack,
  Table,
  TableBody,
  TableCell,
  TableHead,
  TableRow,
  Typography,
} from '@mui/material';
import { NumberInput, useRefresh } from 'react-admin';
import { Link as RouterLink } from 'react-router-dom';
import { call, filledIn } from '../api/call';
import { MoveStock } from '../movements/move-stock';
import { ActionDialog } from '../parts/action-dialog';
import { NARROW, WIDE } from '../parts/narrow';
import { moneyText } from '../parts/texts';
import type { Product, Variant } from './product.types';
import { ProductInputs } from './product-form';
import { StockChip } from './stock-chip';

/** From its first variant on a product is sold only through them. */
export function VariantsCard({ product }: { product: Product }) {
  const variants = product.variants ?? [];
  return (
    <Card>
      <CardContent>
        <Stack direction="row" spacing={1} sx={{ alignItems: 'center', justifyContent: 'space-between' }}>
          <Typography variant="h2">Variants</Typography>
          <AddVariant product={product} />
        </Stack>
        <Typography variant="body2" color="textSecondary">
          {variants.length === 0
            ? 'None: it is sold as it is. With its first variant it is sold only through them.'
            : 'It is sold only through these; its stock is the sum of theirs.'}
        </Typography>
      </CardContent>
      {variants.length > 0 && (
        <Box sx={{ overflowX: 'auto' }}>
          <VariantTable variants={variants} />
        </Box>
      )}
    </Card>
  );
}

function VariantTable({ variants }: { variants: readonly Variant[] }) {
  return (
    <Table size="small" aria-label="Variants">
      <TableHead>
        <TableRow>
          <TableCell>Variant</TableCell>
          <TableCell align="right" sx={WIDE}>
            Price
          </TableCell>
          <TableCell align="right">Stock</TableCell>
          <TableCell align="right">Action</TableCell>
        </TableRow>
      </TableHead>
      <TableBody>
        {variants.map((variant) => (
          <TableRow key={variant.id}>
            <TableCell>
              <Link component={RouterLink} to={`/products/${variant.id}`} sx={{ fontWeight: 600 }}>
                {variant.name}
              </Link>
              <Typography variant="caption" color="textSecondary" component="div">
                {variant.sku}
                <Box component="span" sx={NARROW}>
                  {` · ${moneyText(variant.price, variant.currency)}`}
                </Box>
              </Typography>
            </TableCell>
            <TableCell align="right" sx={WIDE}>
              {moneyText(variant.price, variant.currency)}
            </TableCell>
            <TableCell align="right">
              <StockChip {...variant} />
            </TableCell>
            <TableCell
              align="right"
              sx={{
                whiteSpace: 'nowrap',
                '& .MuiButton-startIcon': { display: { xs: 'none', sm: 'inherit' } },
              }}
            >
              <MoveStock product={variant} />
            </TableCell>
          </TableRow>
        ))}
      </TableBody>
    </Table>
  );
}

function AddVariant({ product }: { product: Product }) {
  const refresh = useRefresh();
  const add = (values: Record<string, unknown>, idempotencyKey: string) =>
    call<Variant>(`/products/${product.id}/variants`, {
      method: 'POST',
      body: filledIn(values),
      idempotencyKey,
    });
  return (
    <ActionDialog
      label="Add variant"
      title={`Add a variant of ${product.name}`}
      confirmLabel="Add"
      maxWidth="sm"
      icon={<AddIcon />}
      defaultValues={{ price: product.price, low_stock_threshold: 0, active: true, stock: 0 }}
      act={add}
      done={(answer) => `${(answer as Variant).name} is added`}
      onDone={refresh}
    >
      <ProductInputs currency={product.currency} isVariant />
      <NumberInput source="stock" label="Stock to begin with" min={0} step={1} />
    </ActionDialog>
  );
}

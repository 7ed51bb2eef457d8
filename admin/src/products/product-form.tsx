import { Grid } from '@mui/material';
import { BooleanInput, NumberInput, ReferenceInput, SelectInput, TextInput } from 'react-admin';
import { MoneyInput } from '../parts/money-input';

const textOrEmpty = (value: string) => value ?? '';
const WHOLE = { step: 1, min: 0 };

interface ProductInputsProps {
  currency?: string;
  /** A new variant, which takes from its parent what is left empty. */
  isVariant?: boolean;
  /** It stays in the storefront of its parent. */
  hasParent?: boolean;
}

/** The inputs that making and changing a product have in common. What they must be is for the API to say. */
export function ProductInputs({ currency, isVariant, hasParent = isVariant }: ProductInputsProps) {
  return (
    <Grid container columnSpacing={2}>
      <Grid size={{ xs: 12, sm: 8 }}>
        <TextInput source="name" isRequired={!isVariant} helperText={isVariant && 'Empty: as the product.'} />
      </Grid>
      <Grid size={{ xs: 12, sm: 4 }}>
        <TextInput source="sku" label="SKU" isRequired />
      </Grid>
      <Grid size={{ xs: 6, sm: 4 }}>
        <MoneyInput source="price" currency={currency} isRequired />
      </Grid>
      <Grid size={{ xs: 6, sm: 4 }}>
        <NumberInput source="low_stock_threshold" label="Low at" helperText="0: never low" {...WHOLE} />
      </Grid>
      <Grid size={{ xs: 12, sm: 4 }}>
        <TextInput source="category" />
      </Grid>
      {!hasParent && (
        <Grid size={{ xs: 12, sm: 4 }}>
          <ReferenceInput source="storefront_id" reference="storefronts" perPage={100}>
            <SelectInput label="Storefront" emptyText="The shop's own" fullWidth sx={{ minWidth: 0 }} />
          </ReferenceInput>
        </Grid>
      )}
      <Grid size={{ xs: 12, sm: hasParent ? 12 : 8 }}>
        <TextInput source="image_url" label="Address of the picture" type="url" />
      </Grid>
      <Grid size={12}>
        <TextInput source="description" multiline minRows={3} parse={textOrEmpty} />
      </Grid>
      <Grid size={12}>
        <BooleanInput source="active" helperText="Inactive products are neither shown nor sold." />
      </Grid>
    </Grid>
  );
}

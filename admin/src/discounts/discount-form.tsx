import { Grid, InputAdornment } from '@mui/material';
import type { ReactElement, ReactNode } from 'react';
import {
  BooleanInput,
  DateTimeInput,
  NumberInput,
  SelectInput,
  SimpleForm,
  TextInput,
  type ToolbarProps,
} from 'react-admin';
import { useWatch } from 'react-hook-form';
import { MoneyInput } from '../parts/money-input';

const KINDS = [
  { id: 'percentage', name: 'Percent of the goods' },
  { id: 'fixed', name: 'A fixed amount' },
];

const asCode = (text: string) => text?.trim().toUpperCase();

interface DiscountFormProps {
  defaultValues?: object;
  toolbar?: ReactElement<ToolbarProps>;
}

export function DiscountForm({ defaultValues, toolbar }: DiscountFormProps) {
  return (
    <SimpleForm defaultValues={defaultValues} toolbar={toolbar}>
      <Grid container columnSpacing={2}>
        <Half>
          <TextInput source="code" isRequired parse={asCode} helperText="3 to 20 letters and digits." />
        </Half>
        <Half>
          <SelectInput source="kind" choices={KINDS} isRequired />
        </Half>
        <Half>
          <Value />
        </Half>
        <Half>
          <MoneyInput
            source="min_items_price"
            label="From goods worth"
            helperText="Less than that gets nothing off."
          />
        </Half>
        <Half>
          <DateTimeInput source="starts_at" label="From" helperText="Empty: from now on." />
        </Half>
        <Half>
          <DateTimeInput source="ends_at" label="Until" helperText="Empty: for ever." />
        </Half>
        <Half>
          <NumberInput
            source="usage_limit"
            label="Uses in all"
            min={1}
            step={1}
            helperText="Empty: any number."
          />
        </Half>
        <Half>
          <NumberInput
            source="per_user_limit"
            label="Uses of one customer"
            min={1}
            step={1}
            helperText="Empty: any number."
          />
        </Half>
        <Grid size={12}>
          <BooleanInput source="active" helperText="Orders that have used it keep their prices." />
        </Grid>
      </Grid>
    </SimpleForm>
  );
}

function Half({ children }: { children: ReactNode }) {
  return <Grid size={{ xs: 12, sm: 6 }}>{children}</Grid>;
}

function Value() {
  const kind = useWatch({ name: 'kind' });
  if (kind === 'fixed') return <MoneyInput source="value" label="Amount" isRequired />;
  return (
    <NumberInput
      source="value"
      label="Percent"
      isRequired
      min={0}
      step="any"
      helperText="At most 100."
      slotProps={{ input: { endAdornment: <InputAdornment position="end">%</InputAdornment> } }}
    />
  );
}

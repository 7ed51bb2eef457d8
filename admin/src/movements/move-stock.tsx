import SwapIcon from '@mui/icons-material/SwapVertOutlined';
import { NumberInput, RadioButtonGroupInput, TextInput, useRefresh } from 'react-admin';
import { useWatch } from 'react-hook-form';
import { call, filledIn } from '../api/call';
import { ActionDialog } from '../parts/action-dialog';

const TYPES = [
  { id: 'in', name: 'Came in' },
  { id: 'out', name: 'Went out' },
  { id: 'adjustment', name: 'Counted' },
];
const HINTS: Record<string, string> = {
  in: 'So many are added.',
  out: 'So many are taken away.',
  adjustment: 'So many can be sold now, whatever it was before.',
};

interface Stocked {
  id: number;
  name: string;
  stock: number;
}

interface Entered {
  stock_before: number;
  stock_after: number;
}

/** Enters goods that came in, went out or were counted. A count is refused when the stock has moved since it was read. */
export function MoveStock({ product }: { product: Stocked }) {
  const refresh = useRefresh();
  const enter = (values: Record<string, unknown>, idempotencyKey: string) => {
    const expected = values.type === 'adjustment' ? { expected_stock: product.stock } : {};
    const body = { ...filledIn(values), ...expected, product_id: product.id };
    return call<Entered>('/inventory/movements', { method: 'POST', body, idempotencyKey });
  };
  return (
    <ActionDialog
      label="Move stock"
      title={`Move stock of ${product.name}`}
      confirmLabel="Enter"
      icon={<SwapIcon />}
      defaultValues={{ type: 'in' }}
      act={enter}
      done={(answer) => {
        const { stock_before, stock_after } = answer as Entered;
        return `${product.name}: ${stock_before} before, ${stock_after} now`;
      }}
      onDone={refresh}
    >
      <RadioButtonGroupInput source="type" label="What has happened" choices={TYPES} row helperText={false} />
      <Quantity />
      <TextInput source="reason" placeholder="delivery" helperText={false} />
      <TextInput source="notes" multiline minRows={2} helperText={false} />
    </ActionDialog>
  );
}

function Quantity() {
  const type = useWatch({ name: 'type' }) as string;
  return <NumberInput source="quantity" isRequired autoFocus min={0} step={1} helperText={HINTS[type]} />;
}

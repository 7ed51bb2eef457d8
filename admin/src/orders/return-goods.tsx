import { Box, Typography } from '@mui/material';
import { BooleanInput, HttpError, NumberInput, TextInput, useRefresh } from 'react-admin';
import { call } from '../api/call';
import { ActionDialog } from '../parts/action-dialog';
import type { Order } from './order.types';

interface Line {
  quantity: number | null;
  sellable: boolean;
}

/** Goods have come back. No money moves. */
export function ReturnGoods({ order }: { order: Order }) {
  const refresh = useRefresh();

  const takeBack = async (values: Record<string, unknown>, idempotencyKey: string) => {
    const lines = values.lines as Line[];
    const returned = lines.flatMap(({ quantity, sellable }, index) =>
      quantity ? [{ index, item: { product_id: order.items[index]?.product_id, quantity, sellable } }] : [],
    );
    const body = {
      items: returned.map(({ item }) => item),
      ...(values.reason ? { reason: values.reason } : {}),
    };
    try {
      return await call(`/admin/orders/${order.id}/return`, { method: 'POST', body, idempotencyKey });
    } catch (error) {
      throw atTheirLines(
        error as HttpError,
        returned.map(({ index }) => index),
        order,
      );
    }
  };

  return (
    <ActionDialog
      label="Return goods"
      confirmLabel="Enter return"
      maxWidth="sm"
      defaultValues={{ lines: order.items.map(() => ({ quantity: 0, sellable: true })) }}
      act={takeBack}
      done="The return is entered"
      onDone={refresh}
    >
      <Typography variant="body2">
        What can be sold again goes back to stock. Money is given back as a refund.
      </Typography>
      {order.items.map((line, index) => (
        <Box key={line.product_id} sx={{ display: { sm: 'flex' }, gap: 2, alignItems: 'center' }}>
          <NumberInput
            source={`lines.${index}.quantity`}
            label={`${line.product_name}, of ${line.quantity}`}
            min={0}
            max={line.quantity}
            step={1}
            helperText={false}
          />
          <BooleanInput
            source={`lines.${index}.sellable`}
            label="Can be sold again"
            helperText={false}
            sx={{ flexShrink: 0 }}
          />
        </Box>
      ))}
      <TextInput source="reason" helperText={false} />
    </ActionDialog>
  );
}

/** The API counts the items that were sent, or names products; the form has every line. */
function atTheirLines(error: HttpError, lines: readonly number[], { items }: Order): HttpError {
  if (error.body?.code === 'return_too_large') {
    const returnable = new Map<number, number>(
      error.body.items.map((item: { product_id: number; returnable: number }) => [
        item.product_id,
        item.returnable,
      ]),
    );
    error.message = 'More than was sold.';
    error.body.errors = Object.fromEntries(
      items.flatMap(({ product_id }, index) =>
        returnable.has(product_id)
          ? [[`lines.${index}.quantity`, `${returnable.get(product_id)} can still come back.`]]
          : [],
      ),
    );
    return error;
  }
  const errors = error.body?.errors as Record<string, unknown> | undefined;
  if (!errors) return error;
  if (lines.length === 0) return new HttpError('Say how many of what have come back.', error.status);
  const moved = Object.entries(errors).map(([field, message]) => [
    field.replace(/^items\.(\d+)\./, (_, index) => `lines.${lines[Number(index)] ?? index}.`),
    message,
  ]);
  error.body.errors = Object.fromEntries(moved);
  return error;
}

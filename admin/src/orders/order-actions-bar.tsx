import { Stack, Typography } from '@mui/material';
import type { ReactElement } from 'react';
import { TextInput, useRefresh } from 'react-admin';
import { call, filledIn } from '../api/call';
import { ActionDialog, type ActionDialogProps } from '../parts/action-dialog';
import { timeText } from '../parts/texts';
import type { Order } from './order.types';
import { actionsOf, type OrderAction } from './order-actions';
import { MoneyChip, OrderChip } from './order-chips';
import { RefundOrder } from './refund-order';
import { ReturnGoods } from './return-goods';

interface OrderActionsProps {
  order: Order;
  /** In major units. */
  refundable: number;
}

/** What can be done with the order in its state, and nothing else. */
export function OrderActions({ order, refundable }: OrderActionsProps) {
  const buttons: Record<OrderAction, ReactElement> = {
    confirm: <ConfirmPayment key="confirm" order={order} />,
    ship: <Ship key="ship" order={order} />,
    deliver: <Deliver key="deliver" order={order} />,
    return: <ReturnGoods key="return" order={order} />,
    refund: <RefundOrder key="refund" order={order} refundable={refundable} />,
    cancel: <Cancel key="cancel" order={order} />,
  };
  return (
    <Stack direction="row" useFlexGap sx={{ flexWrap: 'wrap', alignItems: 'center', gap: 1 }}>
      <OrderChip status={order.status} />
      <MoneyChip status={order.payment_status} />
      <Typography variant="body2" color="textSecondary" sx={{ mr: 'auto' }}>
        Placed {timeText(order.created_at)}
      </Typography>
      <Stack direction="row" useFlexGap sx={{ flexWrap: 'wrap', gap: 1 }}>
        {actionsOf(order, refundable).map((action) => buttons[action])}
      </Stack>
    </Stack>
  );
}

type StepProps = Omit<ActionDialogProps, 'act' | 'onDone'> & { order: Order; step: string };

/** One step of the order's life, with what the form says. */
function Step({ order, step, ...props }: StepProps) {
  const refresh = useRefresh();
  const act = (values: Record<string, unknown>, idempotencyKey: string) =>
    call(`/admin/orders/${order.id}/${step}`, { method: 'POST', body: filledIn(values), idempotencyKey });
  return <ActionDialog {...props} act={act} onDone={refresh} />;
}

function ConfirmPayment({ order }: { order: Order }) {
  return (
    <Step
      order={order}
      step="confirm-payment"
      label="Confirm payment"
      variant="contained"
      done="The order is paid"
    >
      <Typography variant="body2">The money has been received by hand. This cannot be taken back.</Typography>
      <TextInput
        source="reference"
        label="Reference"
        helperText="Of the transfer or the receipt, if it has one."
      />
    </Step>
  );
}

function Ship({ order }: { order: Order }) {
  return (
    <Step order={order} step="ship" label="Ship" variant="contained" done="The order is shipped">
      <Typography variant="body2">
        The goods are on their way. From then on the order cannot be cancelled.
      </Typography>
      <TextInput source="tracking_number" label="Tracking number" helperText={false} />
    </Step>
  );
}

function Deliver({ order }: { order: Order }) {
  return (
    <Step order={order} step="deliver" label="Deliver" variant="contained" done="The order is delivered">
      <Typography variant="body2">The goods have arrived. This cannot be taken back.</Typography>
    </Step>
  );
}

function Cancel({ order }: { order: Order }) {
  const isPaid = order.status === 'paid';
  return (
    <Step
      order={order}
      step="cancel"
      label="Cancel order"
      title="Cancel this order?"
      isGrave
      done="The order is cancelled"
    >
      <Typography variant="body2">
        Its goods go back to stock{isPaid && ', and its money to the customer'}. This cannot be taken back.
      </Typography>
      <TextInput source="reason" helperText={false} />
    </Step>
  );
}

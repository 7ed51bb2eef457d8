import { Typography } from '@mui/material';
import { HttpError, TextInput, useRefresh } from 'react-admin';
import { call, filledIn } from '../api/call';
import { ActionDialog } from '../parts/action-dialog';
import { MoneyInput } from '../parts/money-input';
import { moneyText } from '../parts/texts';
import type { Order, Refund } from './order.types';

const ANSWERED = 200;

/** Gives money back: a part of it, or all that is left. */
export function RefundOrder({ order, refundable }: { order: Order; refundable: number }) {
  const refresh = useRefresh();
  const { currency } = order;
  const left = moneyText(refundable, currency);

  const giveBack = async (values: Record<string, unknown>, idempotencyKey: string) => {
    const body = filledIn(values);
    const path = `/admin/orders/${order.id}/refund`;
    const { refund } = await call<{ refund: Refund }>(path, {
      method: 'POST',
      body,
      idempotencyKey,
    }).catch((error: HttpError) => {
      throw inMoney(error, currency);
    });
    if (refund.status !== 'failed') return refund;
    refresh();
    const why = refund.failure_reason ?? 'it does not say why';
    throw new HttpError(`The provider has refused to give the money back: ${why}.`, ANSWERED);
  };

  return (
    <ActionDialog
      label="Refund"
      title="Give money back"
      confirmLabel="Refund"
      isGrave
      defaultValues={{ amount: refundable }}
      act={giveBack}
      done={(answer) => saidOf(answer as Refund)}
      onDone={refresh}
    >
      <Typography variant="body2">
        At most {left}. No goods move: what comes back is entered as a return. This cannot be taken back.
      </Typography>
      <MoneyInput source="amount" currency={currency} helperText="Empty: all that is left." />
      <TextInput source="reason" isRequired helperText={false} />
    </ActionDialog>
  );
}

/** The API says the most that can be given back as a number. */
function inMoney(error: HttpError, currency: string): HttpError {
  const { code, refundable } = error.body ?? {};
  if (code !== 'refund_too_large' || !refundable) return error;
  const message = `At most ${moneyText(refundable, currency)} can be given back.`;
  return new HttpError(message, error.status, { ...error.body, errors: { amount: message } });
}

function saidOf({ status, amount, currency }: Refund): string {
  const money = moneyText(amount, currency);
  return status === 'succeeded'
    ? `${money} has gone back`
    : `${money} is on its way back: the provider has not confirmed it yet`;
}

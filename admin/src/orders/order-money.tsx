import {
  Box,
  Card,
  CardContent,
  Skeleton,
  Table,
  TableBody,
  TableCell,
  TableHead,
  TableRow,
  Typography,
} from '@mui/material';
import { CopyableId } from '../parts/copy-button';
import { Fault } from '../parts/fault';
import { moneyText, timeText, wordsOf } from '../parts/texts';
import type { Payment, Refund } from './order.types';
import { MoneyChip } from './order-chips';
import type { OrderMoney } from './use-money';

const CAUSES: Record<string, string> = {
  cancelled: 'The order was cancelled',
  late: 'It came after the order had ended',
};

/** Most orders are paid at the first attempt. */
const ROW_HEIGHT = 96;

/** Where there is no room for a column, it stands with the rest. */
const WIDE = { whiteSpace: 'nowrap', display: { xs: 'none', sm: 'table-cell' } };
const NARROW = { display: { sm: 'none' } };
const FIRST_IF_NARROW = { pl: { xs: 2 } };

/** Every attempt to pay, and all that went back. */
export function MoneyCard({ money }: { money: OrderMoney }) {
  const { payments, refunds, isPending, error, retry } = money;
  return (
    <Card>
      <CardContent sx={{ pb: 0 }}>
        <Typography variant="h2">Money</Typography>
        {error && (
          <Box sx={{ mt: 1, mb: 2 }}>
            <Fault error={error} retry={retry} />
          </Box>
        )}
        {isPending && <Skeleton variant="rounded" height={ROW_HEIGHT} sx={{ mt: 1, mb: 2 }} />}
        {!isPending && !error && payments.length === 0 && (
          <Typography variant="body2" color="textSecondary" sx={{ pb: 2 }}>
            Nobody has tried to pay yet.
          </Typography>
        )}
      </CardContent>
      {payments.length > 0 && (
        <Box sx={{ overflowX: 'auto' }}>
          <Table size="small" aria-label="Payments and refunds">
            <TableHead>
              <TableRow>
                <TableCell sx={WIDE}>When</TableCell>
                <TableCell sx={FIRST_IF_NARROW}>What</TableCell>
                <TableCell>State</TableCell>
                <TableCell align="right">Amount</TableCell>
              </TableRow>
            </TableHead>
            <TableBody>
              {payments.map((payment) => (
                <PaymentRow key={payment.id} payment={payment} />
              ))}
              {refunds.map((refund) => (
                <RefundRow key={refund.id} refund={refund} />
              ))}
            </TableBody>
          </Table>
        </Box>
      )}
    </Card>
  );
}

function PaymentRow({ payment }: { payment: Payment }) {
  const { attempt, provider, failure_reason, provider_payment_id } = payment;
  return (
    <TableRow>
      <TableCell sx={WIDE}>{timeText(payment.created_at)}</TableCell>
      <TableCell sx={FIRST_IF_NARROW}>
        Payment {attempt} by {wordsOf(provider)}
        <Typography variant="caption" component="div" color="textSecondary" sx={{ overflowWrap: 'anywhere' }}>
          <Box sx={NARROW}>{timeText(payment.created_at)}</Box>
          {failure_reason ?? (provider_payment_id && <CopyableId id={provider_payment_id} />)}
        </Typography>
      </TableCell>
      <TableCell>
        <MoneyChip status={payment.status} />
      </TableCell>
      <TableCell align="right">{moneyText(payment.amount, payment.currency)}</TableCell>
    </TableRow>
  );
}

function RefundRow({ refund }: { refund: Refund }) {
  return (
    <TableRow>
      <TableCell sx={WIDE}>{timeText(refund.created_at)}</TableCell>
      <TableCell sx={FIRST_IF_NARROW}>
        Refund
        <Typography variant="caption" component="div" color="textSecondary" sx={{ overflowWrap: 'anywhere' }}>
          <Box sx={NARROW}>{timeText(refund.created_at)}</Box>
          {refund.failure_reason ?? refund.reason ?? CAUSES[refund.cause]}
        </Typography>
      </TableCell>
      <TableCell>
        <MoneyChip status={refund.status} />
      </TableCell>
      <TableCell align="right">{moneyText(-refund.amount, refund.currency)}</TableCell>
    </TableRow>
  );
}

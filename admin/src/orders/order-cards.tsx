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
import { Link as RouterLink } from 'react-router-dom';
import { NARROW, WIDE } from '../parts/narrow';
import { moneyText, timeText, wordsOf } from '../parts/texts';
import type { Order } from './order.types';

export function LinesCard({ order }: { order: Order }) {
  const { items, currency } = order;
  return (
    <Card>
      <CardContent sx={{ pb: 0 }}>
        <Typography variant="h2">Goods</Typography>
      </CardContent>
      <Box sx={{ overflowX: 'auto' }}>
        <Table size="small" aria-label="Goods">
          <TableHead>
            <TableRow>
              <TableCell>Product</TableCell>
              <TableCell align="right" sx={WIDE}>
                Price
              </TableCell>
              <TableCell align="right">Quantity</TableCell>
              <TableCell align="right">Sum</TableCell>
            </TableRow>
          </TableHead>
          <TableBody>
            {items.map((line) => (
              <TableRow key={line.product_id}>
                <TableCell>
                  <Link component={RouterLink} to={`/products/${line.product_id}`} sx={{ fontWeight: 600 }}>
                    {line.product_name}
                  </Link>
                  <Typography variant="caption" component="div" color="textSecondary">
                    {line.sku}
                    <Box component="span" sx={NARROW}>
                      {` · ${moneyText(line.price, currency)}`}
                    </Box>
                  </Typography>
                </TableCell>
                <TableCell align="right" sx={WIDE}>
                  {moneyText(line.price, currency)}
                </TableCell>
                <TableCell align="right">{line.quantity}</TableCell>
                <TableCell align="right">{moneyText(line.subtotal, currency)}</TableCell>
              </TableRow>
            ))}
          </TableBody>
        </Table>
      </Box>
      <CardContent>
        <Totals order={order} />
      </CardContent>
    </Card>
  );
}

function Totals({ order }: { order: Order }) {
  const rows: [string, number][] = [
    ['Goods', order.items_price],
    [`Discount ${order.discount_code ?? ''}`, -order.discount_price],
    [`${order.redeemed_points} points`, -order.points_discount_price],
    ['Shipping', order.shipping_price],
  ];
  return (
    <Stack component="dl" spacing={0.5} sx={{ m: 0, ml: 'auto', maxWidth: 240, typography: 'body2' }}>
      {rows
        .filter(([, amount], index) => index === 0 || amount !== 0)
        .map(([label, amount]) => (
          <Sum key={label} label={label} text={moneyText(amount, order.currency)} />
        ))}
      <Sum label="Total" text={moneyText(order.total_price, order.currency)} isTotal />
    </Stack>
  );
}

function Sum({ label, text, isTotal }: { label: string; text: string; isTotal?: boolean }) {
  const weight = isTotal ? 650 : 400;
  return (
    <Box sx={{ display: 'flex', justifyContent: 'space-between', gap: 2, fontWeight: weight }}>
      <Box component="dt">{label}</Box>
      <Box component="dd" sx={{ m: 0 }}>
        {text}
      </Box>
    </Box>
  );
}

/** What is told of an order without a change of its state, e.g. a return, is a step by what it says. */
function stepsOf({ history, items }: Order) {
  const names = new Map(items.map(({ product_id, product_name }) => [String(product_id), product_name]));
  return history.map(({ status, reason, at }, index) => {
    const told = reason?.replace(/ product (\d+)\b/g, (all, id) =>
      names.has(id) ? ` ${names.get(id)}` : all,
    );
    const text = told && wordsOf(told);
    if (!text || history[index - 1]?.status !== status)
      return { status, title: wordsOf(status), reason: text, at };
    const [title = '', ...reasons] = text.split(': ');
    return { status, title, reason: reasons.join(': '), at };
  });
}

export function HistoryCard({ order }: { order: Order }) {
  return (
    <Card>
      <CardContent>
        <Typography variant="h2">History</Typography>
        <Box component="ol" sx={{ listStyle: 'none', m: 0, mt: 1, p: 0 }}>
          {stepsOf(order).map(({ status, title, reason, at }) => (
            <Box
              component="li"
              key={`${at} ${status} ${reason}`}
              sx={{ pl: 2, pb: 1.5, borderLeft: 2, borderColor: 'divider' }}
            >
              <Typography variant="body2" sx={{ fontWeight: 600 }}>
                {title}
              </Typography>
              {reason && <Typography variant="body2">{reason}</Typography>}
              <Typography variant="caption" color="textSecondary" component="time" dateTime={at}>
                {timeText(at)}
              </Typography>
            </Box>
          ))}
        </Box>
      </CardContent>
    </Card>
  );
}

import { Box, Typography } from '@mui/material';
import { useTheme } from '@mui/material/styles';
import { visuallyHidden } from '@mui/utils';
import { BarChart } from '@mui/x-charts/BarChart';
import { LineChart } from '@mui/x-charts/LineChart';
import { Section } from '../parts/section';
import { moneyText } from '../parts/texts';
import type { DashboardFigures } from './dashboard.types';

const Y_WIDTH = 56;
// At the right there is room for half of the last day's name.
const MARGIN = { left: 0, right: 24, top: 8, bottom: 0 };

type Days = DashboardFigures['days'];

/** Money over time, and below it, on the same days, how many orders it came from. */
export function SalesChart({ days, currency }: { days: Days; currency: string }) {
  const { palette } = useTheme();
  const dates = days.map(({ date }) => date);
  const axis = { data: dates, valueFormatter: dayText, tickLabelMinGap: 12 };
  return (
    <Section title="Sales over time">
      <Typography variant="body2" color="textSecondary">
        Revenue, by day
      </Typography>
      <div aria-hidden>
        <LineChart
          disableKeyboardNavigation
          height={220}
          margin={MARGIN}
          hideLegend
          skipAnimation
          grid={{ horizontal: true }}
          xAxis={[{ ...axis, scaleType: 'point', disableTicks: true }]}
          yAxis={[
            {
              width: Y_WIDTH,
              disableLine: true,
              disableTicks: true,
              valueFormatter: (amount: number) => shortMoneyText(amount, currency),
            },
          ]}
          series={[
            {
              data: days.map(({ revenue }) => revenue),
              label: 'Revenue',
              color: palette.primary.main,
              area: true,
              showMark: false,
              curve: 'linear',
              valueFormatter: (amount) => moneyText(amount ?? 0, currency),
            },
          ]}
          sx={{ '& .MuiLineChart-area': { fillOpacity: 0.16 } }}
        />
      </div>
      <Typography variant="body2" color="textSecondary" sx={{ mt: 1 }}>
        Orders, by day
      </Typography>
      <div aria-hidden>
        <BarChart
          disableKeyboardNavigation
          height={140}
          margin={MARGIN}
          hideLegend
          skipAnimation
          borderRadius={2}
          grid={{ horizontal: true }}
          xAxis={[{ ...axis, scaleType: 'band', disableTicks: true, categoryGapRatio: 0.35 }]}
          yAxis={[{ width: Y_WIDTH, disableLine: true, disableTicks: true, tickMinStep: 1 }]}
          series={[{ data: days.map(({ orders }) => orders), label: 'Orders', color: palette.info.main }]}
        />
      </div>
      <Told days={days} currency={currency} />
    </Section>
  );
}

/** The same for who does not see it. */
function Told({ days, currency }: { days: Days; currency: string }) {
  return (
    <Box sx={{ ...visuallyHidden, left: 0 }}>
      <table>
        <caption>Revenue and orders by day</caption>
        <thead>
          <tr>
            <th scope="col">Day</th>
            <th scope="col">Revenue</th>
            <th scope="col">Orders</th>
          </tr>
        </thead>
        <tbody>
          {days.map(({ date, revenue, orders }) => (
            <tr key={date}>
              <th scope="row">{dayText(date)}</th>
              <td>{moneyText(revenue, currency)}</td>
              <td>{orders}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Box>
  );
}

/** The day is one of UTC, wherever the reader is. */
function dayText(date: string): string {
  return new Date(date).toLocaleDateString(undefined, { month: 'short', day: 'numeric', timeZone: 'UTC' });
}

function shortMoneyText(amount: number, currency: string): string {
  return new Intl.NumberFormat(undefined, { style: 'currency', currency, notation: 'compact' })
    .format(amount)
    .replace('-', '−');
}

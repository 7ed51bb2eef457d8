import { useTheme } from '@mui/material';
import { LineChart } from '@mui/x-charts/LineChart';
import { dayText, timeText } from '../parts/texts';
import type { Movement } from './movement.types';

/** Over so long, the day alone names a tick. */
const DAYS_MS = 3 * 86_400_000;
/** Half of the first tick's name stands below it. */
const Y_WIDTH = 56;

interface LedgerChartProps {
  /** Newest first. */
  movements: readonly Movement[];
  /** When the count began, if these are all movements since then. */
  begin?: string;
}

/** The count after each movement, as steps: between two it does not change. The table beside it says the same in words. */
export default function LedgerChart({ movements, begin }: LedgerChartProps) {
  const { palette } = useTheme();
  const oldestFirst = [...movements].reverse();
  const newest = oldestFirst.at(-1);
  const oldest = oldestFirst[0];
  const points = [
    ...(oldest && begin ? [{ at: new Date(begin), stock: oldest.stock_after - oldest.delta }] : []),
    ...oldestFirst.map(({ created_at, stock_after }) => ({ at: new Date(created_at), stock: stock_after })),
    ...(newest ? [{ at: new Date(), stock: newest.stock_after }] : []),
  ];
  const isOverDays = Date.now() - (points[0]?.at.getTime() ?? 0) > DAYS_MS;
  return (
    <div aria-hidden="true" style={{ height: '100%' }}>
      <LineChart
        dataset={points}
        xAxis={[
          {
            dataKey: 'at',
            scaleType: 'time',
            tickNumber: isOverDays ? 5 : 2,
            valueFormatter: (at: Date, context) =>
              context.location === 'tick' && isOverDays ? dayText(at) : timeText(at.toISOString()),
          },
        ]}
        yAxis={[{ min: 0, width: Y_WIDTH }]}
        series={[
          {
            dataKey: 'stock',
            label: 'Stock',
            curve: 'stepAfter',
            area: true,
            showMark: false,
            color: palette.primary.main,
          },
        ]}
        grid={{ horizontal: true }}
        margin={{ left: 0, right: 12, top: 8, bottom: 0 }}
        hideLegend
        skipAnimation
        disableKeyboardNavigation
        sx={{ '& .MuiLineChart-area': { fillOpacity: 0.15 } }}
      />
    </div>
  );
}

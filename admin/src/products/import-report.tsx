import {
  Alert,
  Card,
  CardContent,
  Stack,
  Table,
  TableBody,
  TableCell,
  TableContainer,
  TableHead,
  TableRow,
  Typography,
} from '@mui/material';
import { countedText, wordsOf } from '../parts/texts';

export interface ImportReport {
  rows: number;
  created: number;
  updated: number;
  unchanged: number;
  failed: number;
  /** The first thousand. */
  errors: { row: number; sku: string | null; code: string; error: string }[];
}

const COUNTS = ['created', 'updated', 'unchanged', 'failed'] as const;

const wereText = (count: number) => (count === 1 ? 'was' : 'were');

export function ImportReportCard({ name, report }: { name: string; report: ImportReport }) {
  const { rows, failed, errors } = report;
  return (
    <Card>
      <CardContent>
        <Alert severity={failed === 0 ? 'success' : 'warning'} role="status" sx={{ mb: 2 }}>
          {countedText(rows, 'row')} of {name} {wereText(rows)} read
          {failed === 0
            ? '.'
            : `, and ${failed.toLocaleString()} ${wereText(failed)} not taken in. All others were.`}
        </Alert>
        <Stack direction="row" useFlexGap sx={{ flexWrap: 'wrap', columnGap: { xs: 2, sm: 4 }, rowGap: 2 }}>
          {COUNTS.map((count) => (
            <div key={count}>
              <Typography sx={{ fontSize: '1.5rem', fontWeight: 650 }}>
                {report[count].toLocaleString()}
              </Typography>
              <Typography variant="body2" color="textSecondary">
                {wordsOf(count)}
              </Typography>
            </div>
          ))}
        </Stack>
      </CardContent>
      {errors.length > 0 && (
        <TableContainer sx={{ maxHeight: 420 }} tabIndex={0} role="region" aria-label="Rows not taken in">
          <Table size="small" stickyHeader>
            <TableHead>
              <TableRow>
                <TableCell align="right">Row</TableCell>
                <TableCell>SKU</TableCell>
                <TableCell>What is wrong</TableCell>
              </TableRow>
            </TableHead>
            <TableBody>
              {errors.map(({ row, sku, error }) => (
                <TableRow key={row}>
                  <TableCell align="right">{row.toLocaleString()}</TableCell>
                  <TableCell>{sku ?? '–'}</TableCell>
                  <TableCell>{error}</TableCell>
                </TableRow>
              ))}
            </TableBody>
          </Table>
        </TableContainer>
      )}
    </Card>
  );
}

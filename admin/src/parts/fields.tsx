import { Box, Chip, type ChipProps } from '@mui/material';
import { useRecordContext } from 'react-admin';
import { moneyText, timeText, wordsOf } from './texts';

interface FieldProps {
  source: string;
  /** Of the column that shows it; the column reads it. */
  label?: string;
}

const memberOf = (record: Record<string, unknown> | undefined, source: string) => record?.[source];

/** An amount of the record, in the record's currency. */
export function MoneyField({ source }: FieldProps) {
  const record = useRecordContext();
  const amount = memberOf(record, source);
  return typeof amount === 'number' ? <span>{moneyText(amount, record?.currency)}</span> : null;
}

/** A time of the record, in the reader's zone, for machines as it is. */
export function TimeField({ source }: FieldProps) {
  const iso = memberOf(useRecordContext(), source) as string | null | undefined;
  return (
    <Box component={iso ? 'time' : 'span'} {...(iso && { dateTime: iso })} sx={{ whiteSpace: 'nowrap' }}>
      {timeText(iso)}
    </Box>
  );
}

export type Tone = NonNullable<ChipProps['color']>;

/** A state in words and colour; the words alone say it. */
export function StateChip({ state, tone = 'default' }: { state: string; tone?: Tone }) {
  return <Chip size="small" variant="outlined" color={tone} label={wordsOf(state)} />;
}

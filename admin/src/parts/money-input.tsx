import { InputAdornment } from '@mui/material';
import { NumberInput, type NumberInputProps } from 'react-admin';
import { writingOf } from './texts';
import { useCurrency } from './use-currency';

// More decimals than the currency has are for the API to refuse: they are not hidden.
const DIGITS_MAX = 10;

interface MoneyInputProps extends NumberInputProps {
  /** That of the shop unless it is named. */
  currency?: string;
}

/** An amount in major units, with the currency's sign where amounts have it. */
export function MoneyInput({ currency: named, ...props }: MoneyInputProps) {
  const ofShop = useCurrency();
  const currency = named ?? ofShop;
  const { sign, isFirst, digits } = currency
    ? writingOf(currency)
    : { sign: undefined, isFirst: false, digits: 0 };
  const adornment = sign && <InputAdornment position={isFirst ? 'start' : 'end'}>{sign}</InputAdornment>;
  // What a number input shows is written with a point, without groups.
  const { format } = new Intl.NumberFormat('en-US', {
    useGrouping: false,
    minimumFractionDigits: digits,
    maximumFractionDigits: DIGITS_MAX,
  });
  return (
    <NumberInput
      min={0}
      step="any"
      format={(amount: number | null | undefined) => (typeof amount === 'number' ? format(amount) : '')}
      slotProps={{ input: isFirst ? { startAdornment: adornment } : { endAdornment: adornment } }}
      {...props}
    />
  );
}

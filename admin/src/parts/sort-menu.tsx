import { MenuItem, TextField } from '@mui/material';
import { type SortPayload, useListContext } from 'react-admin';

export interface SortChoice extends SortPayload {
  label: string;
}

/** The orders that the API has for this list. Also there on a phone, where no column has a heading. */
export function SortMenu({ choices }: { choices: readonly SortChoice[] }) {
  const { sort, setSort } = useListContext();
  const chosen = choices.findIndex(({ field, order }) => field === sort?.field && order === sort?.order);
  return (
    <TextField
      select
      label="Order"
      value={Math.max(chosen, 0)}
      onChange={({ target }) => {
        const { field, order } = choices[Number(target.value)] as SortChoice;
        setSort({ field, order });
      }}
      fullWidth={false}
      sx={{
        width: { xs: 'auto', sm: 170 },
        flex: { xs: '1 1 150px', sm: 'none' },
        maxWidth: 170,
        my: 0,
        mr: 'auto',
      }}
    >
      {choices.map(({ label }, index) => (
        <MenuItem key={label} value={index}>
          {label}
        </MenuItem>
      ))}
    </TextField>
  );
}

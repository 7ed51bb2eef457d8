import SearchIcon from '@mui/icons-material/SearchOutlined';
import { IconButton, InputAdornment, TextField } from '@mui/material';
import type { FormEvent } from 'react';
import { useNavigate } from 'react-router-dom';

/** Opens the order whose whole number somebody has, from a letter or from the logs. */
export function FindOrder() {
  const navigate = useNavigate();
  const open = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const id = String(new FormData(event.currentTarget).get('id')).trim();
    if (id) navigate(`/orders/${encodeURIComponent(id)}/show`);
  };
  return (
    <form onSubmit={open}>
      <TextField
        name="id"
        label="Order number"
        sx={{ my: 0, width: { xs: 200, sm: 320 } }}
        slotProps={{
          input: {
            endAdornment: (
              <InputAdornment position="end">
                <IconButton type="submit" size="small" aria-label="Open the order">
                  <SearchIcon />
                </IconButton>
              </InputAdornment>
            ),
          },
        }}
      />
    </form>
  );
}

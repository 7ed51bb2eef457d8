import { Box } from '@mui/material';
import type { ReactNode } from 'react';
import { Edit, type EditProps, Loading } from 'react-admin';
import { Fault, TOLD_ON_PAGE } from './fault';

/** A form that shows only what the API has accepted; what it refuses is shown at its fields. */
export function EditPage({ children, ...props }: EditProps & { children: ReactNode }) {
  return (
    <Edit
      mutationMode="pessimistic"
      redirect={false}
      queryOptions={TOLD_ON_PAGE}
      {...props}
      render={({ record, error, refetch }) => (
        <>
          {error && (
            <Box sx={{ mb: record ? 2 : 0 }}>
              <Fault error={error} retry={refetch} />
            </Box>
          )}
          {record && children}
          {!record && !error && <Loading />}
        </>
      )}
    />
  );
}

import { Box, type SxProps } from '@mui/material';
import TablePaginationActions from '@mui/material/TablePaginationActions';
import type { ReactNode } from 'react';
import {
  List,
  ListContextProvider,
  type ListProps,
  Pagination,
  type PaginationProps,
  ReferenceManyField,
  type ReferenceManyFieldProps,
  useListContext,
} from 'react-admin';
import { Fault, TOLD_ON_PAGE } from './fault';

const SIZES = [10, 25, 50, 100];
const SIZES_WITHIN = [10, 25, 100];
/** Back and forth, one page at a time: the API has cursors, no page numbers. */
const turner = TablePaginationActions as unknown as PaginationProps['actions'];

/** A list whose pages, order and filters are the API's. */
export function PageList({ children, ...props }: ListProps & { children: ReactNode }) {
  return (
    <List
      perPage={25}
      exporter={false}
      empty={false}
      pagination={<Pages sizes={SIZES} />}
      queryOptions={TOLD_ON_PAGE}
      {...props}
    >
      <Rows>{children}</Rows>
    </List>
  );
}

type ListWithinProps = Pick<ReferenceManyFieldProps, 'reference' | 'target' | 'empty'> & {
  children: ReactNode;
};

/** The same within the page of a record: what refers to it. Its fault is its own; the rest of the page stays. */
export function ListWithin({ children, ...props }: ListWithinProps) {
  return (
    <ReferenceManyField
      perPage={10}
      pagination={<Pages sizes={SIZES_WITHIN} />}
      queryOptions={TOLD_ON_PAGE}
      {...props}
    >
      <Rows sx={{ px: 2, pt: 1, pb: 2 }}>{children}</Rows>
    </ReferenceManyField>
  );
}

/** What has been read stays when it cannot be read again; the views of a list would hide it. */
function Rows({ sx, children }: { sx?: SxProps; children: ReactNode }) {
  const context = useListContext();
  const { data, error, refetch } = context;
  return (
    <>
      {error && (
        <Box sx={sx}>
          <Fault error={error} retry={refetch} />
        </Box>
      )}
      {(data || !error) && (
        <ListContextProvider value={{ ...context, error: null } as typeof context}>
          {children}
        </ListContextProvider>
      )}
    </>
  );
}

function Pages({ sizes }: { sizes: number[] }) {
  const { data, error } = useListContext();
  if (error && !data) return null;
  return <Pagination rowsPerPageOptions={sizes} actions={turner} />;
}

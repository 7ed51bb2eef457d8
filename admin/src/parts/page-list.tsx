import TablePaginationActions from '@mui/material/TablePaginationActions';
import type { ReactNode } from 'react';
import { List, type ListProps, Pagination, type PaginationProps, useListContext } from 'react-admin';
import { Fault, TOLD_ON_PAGE } from './fault';

const SIZES = [10, 25, 50, 100];
/** Back and forth, one page at a time: the API has cursors, no page numbers. */
export const turner = TablePaginationActions as unknown as PaginationProps['actions'];

/** A list whose pages, order and filters are the API's. */
export function PageList({ children, ...props }: ListProps & { children: ReactNode }) {
  return (
    <List
      perPage={25}
      exporter={false}
      empty={false}
      pagination={<Pages />}
      queryOptions={TOLD_ON_PAGE}
      {...props}
    >
      <Rows>{children}</Rows>
    </List>
  );
}

/** What has been read stays when it cannot be read again. */
function Rows({ children }: { children: ReactNode }) {
  const { data, error, refetch } = useListContext();
  return (
    <>
      {error && <Fault error={error} retry={refetch} />}
      {(data || !error) && children}
    </>
  );
}

function Pages() {
  const { data, error } = useListContext();
  if (error && !data) return null;
  return <Pagination rowsPerPageOptions={SIZES} actions={turner} />;
}

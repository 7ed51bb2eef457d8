import TablePaginationActions from '@mui/material/TablePaginationActions';
import { List, type ListProps, Pagination, type PaginationProps } from 'react-admin';

const SIZES = [10, 25, 50, 100];
/** Back and forth, one page at a time: the API has cursors, no page numbers. */
export const turner = TablePaginationActions as unknown as PaginationProps['actions'];

/** A list whose pages, order and filters are the API's. */
export function PageList(props: ListProps) {
  return (
    <List
      perPage={25}
      exporter={false}
      empty={false}
      pagination={<Pagination rowsPerPageOptions={SIZES} actions={turner} />}
      {...props}
    />
  );
}

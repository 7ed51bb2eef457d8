import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../api/call';

interface CursorList<Row> {
  rows: Row[];
  isPending: boolean;
  error: Error | null;
  /** Asks for the page anew. */
  refetch: () => Promise<unknown>;
  /** Null where there is no such page. */
  toNext: (() => void) | null;
  toPrevious: (() => void) | null;
}

const ROWS = 10;

/** A list within a page, one page of the API's at a time. Begins anew whenever the path or the query changes. */
export function useCursorList<Row>(path: string, member: string, query: object = {}): CursorList<Row> {
  const list = JSON.stringify([path, query]);
  const [place, setPlace] = useState<{ list: string; cursors: (string | undefined)[] }>({
    list,
    cursors: [undefined],
  });
  const cursors = place.list === list ? place.cursors : [undefined];
  const cursor = cursors.at(-1);
  const { data, isPending, error, refetch } = useQuery({
    queryKey: ['cursor-list', list, cursor],
    queryFn: ({ signal }) =>
      call<Record<string, unknown> & { next_cursor: string | null }>(path, {
        query: { ...query, limit: ROWS, cursor },
        signal,
      }),
    placeholderData: keepPreviousData,
  });
  const next = data?.next_cursor;
  return {
    rows: (data?.[member] ?? []) as Row[],
    isPending,
    error,
    refetch,
    toNext: next ? () => setPlace({ list, cursors: [...cursors, next] }) : null,
    toPrevious: cursors.length > 1 ? () => setPlace({ list, cursors: cursors.slice(0, -1) }) : null,
  };
}

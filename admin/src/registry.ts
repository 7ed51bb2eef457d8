import type { ResourceProps } from 'react-admin';

/** How the API has a resource. */
export interface ApiOf {
  /** Below `/api/v1`. */
  path: string;
  /** The member of a list's answer that has the rows; the resource's name unless it differs. */
  member?: string;
  /**
   * The `sort` parameter for each field that the API sorts by, in each direction that it has. Columns of other fields are
   * `disableSort`. What is not sorted comes in the order of the API.
   */
  sorts?: Record<string, { ASC?: string; DESC?: string }>;
  /** Counting is cheap enough to be done with every page; without it a list only knows whether there is a next page. */
  counted?: boolean;
  /** The members that `PATCH` takes. Only those that have changed are sent. */
  writable?: readonly string[];
  /** Further members that only `POST` takes. */
  createOnly?: readonly string[];
  /** Members that `PATCH` takes only together with others. */
  togetherOf?: Record<string, readonly string[]>;
  /** `PATCH` takes the `version` that was read, and refuses a stale one. */
  versioned?: boolean;
  /** Turns the values of a list's filter into query parameters, where they are not the same. */
  queryOf?: (filter: Record<string, unknown>) => Record<string, unknown>;
  /** What a row is known by, where that is not `id`. */
  idOf?: (row: Record<string, unknown>) => string | number;
}

/** One resource of the page: how the API has it, and its views. Without views it only feeds others. */
export interface AdminResource extends ResourceProps {
  api: ApiOf;
  /** Its name in the menu; what has none is not there. */
  label?: string;
  /** What one of it is called. */
  one?: string;
  /** The heading of the menu under which it stands. */
  group?: 'Sales' | 'Catalog' | 'System';
}

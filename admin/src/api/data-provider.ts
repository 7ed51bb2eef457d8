import {
  type DataProvider,
  type GetListParams,
  HttpError,
  type Identifier,
  type RaRecord,
  type SortPayload,
} from 'react-admin';
import type { AdminResource, ApiOf } from '../registry';
import { call, filledIn } from './call';
import { Cursors } from './cursors';

type Row = Record<string, unknown>;
type Answer = Row & { next_cursor: string | null; total?: number };

/** Lists, records and changes of the registered resources, by the API and nothing else: nothing is sorted or filtered here. */
export function dataProviderOf(resources: readonly AdminResource[]): DataProvider {
  const apis = new Map(resources.map(({ name, api }) => [name, { member: name, ...api }]));
  const cursors = new Cursors();

  const apiOf = (resource: string) => {
    const api = apis.get(resource);
    if (!api) throw new HttpError(`There is no resource ${resource}.`, 404);
    return api;
  };

  async function list(resource: string, params: Partial<GetListParams>, scope: Row = {}) {
    const { path, member, counted, queryOf, ...api } = apiOf(resource);
    const { page = 1, perPage = 100 } = params.pagination ?? {};
    const filter = { ...params.filter, ...scope };
    const wanted = {
      ...(queryOf ? queryOf(filter) : filter),
      sort: sortOf(api.sorts, params.sort),
      limit: perPage,
    };
    const fetched = await cursors.page(JSON.stringify([resource, wanted]), page, async (cursor) => {
      const query = { ...wanted, cursor, count: counted };
      const answer = await call<Answer>(path, { query, ...(params.signal && { signal: params.signal }) });
      const { next_cursor, total } = answer;
      return { rows: answer[member] as Row[], next_cursor, ...(total !== undefined && { total }) };
    });
    // The last page tells how many there are.
    const seen = fetched.next_cursor === null ? (page - 1) * perPage + fetched.rows.length : undefined;
    const total = fetched.total ?? seen;
    return {
      data: fetched.rows.map((row) => recordOf(api, row)),
      ...(total !== undefined && { total }),
      pageInfo: { hasNextPage: fetched.next_cursor !== null, hasPreviousPage: page > 1 },
    };
  }

  async function one(resource: string, id: Identifier, signal?: AbortSignal) {
    const api = apiOf(resource);
    return recordOf(api, await call<Row>(`${api.path}/${id}`, { ...(signal && { signal }) }));
  }

  async function remove(resource: string, id: Identifier) {
    await call(`${apiOf(resource).path}/${id}`, { method: 'DELETE' });
  }

  async function update(resource: string, id: Identifier, data: Row, previous: Row) {
    const api = apiOf(resource);
    const body = changesOf(api, data, previous);
    return recordOf(api, await call<Row>(`${api.path}/${id}`, { method: 'PATCH', body }));
  }

  // react-admin's types let a caller say which record it expects; the API is what knows.
  const provider: DataProvider<string> = {
    supportAbortSignal: true,
    getList: async (resource, params) => (await list(resource, params)) as never,
    getManyReference: async (resource, { target, id, ...params }) =>
      (await list(resource, params, { [target]: id })) as never,
    getOne: async (resource, { id, signal }) => ({ data: await one(resource, id, signal) }) as never,
    getMany: async (resource, { ids, signal }) => {
      const found = await Promise.all([...new Set(ids)].map((id) => unlessGone(one(resource, id, signal))));
      return { data: found.filter((record) => record !== null) } as never;
    },
    create: async (resource, { data, meta }) => {
      const api = apiOf(resource);
      const body = picked(data as Row, [...(api.writable ?? []), ...(api.createOnly ?? [])]);
      const idempotencyKey = (meta as { idempotencyKey?: string } | undefined)?.idempotencyKey;
      const row = await call<Row>(api.path, {
        method: 'POST',
        body,
        ...(idempotencyKey && { idempotencyKey }),
      });
      return { data: recordOf(api, row) } as never;
    },
    update: async (resource, { id, data, previousData }) =>
      ({ data: await update(resource, id, data as Row, (previousData ?? {}) as Row) }) as never,
    updateMany: async (resource, { ids, data }) => {
      for (const id of ids) await update(resource, id, data as Row, {});
      return { data: ids };
    },
    delete: async (resource, { id, previousData }) => {
      await remove(resource, id);
      return { data: previousData ?? { id } } as never;
    },
    deleteMany: async (resource, { ids }) => {
      for (const id of ids) await remove(resource, id);
      return { data: ids };
    },
  };
  return provider;
}

function recordOf({ idOf }: Pick<ApiOf, 'idOf'>, row: Row): RaRecord {
  return idOf ? { ...row, id: idOf(row) } : (row as RaRecord);
}

function sortOf(sorts: ApiOf['sorts'], sort: SortPayload | undefined): string | undefined {
  return sort && sorts?.[sort.field]?.[sort.order];
}

/** What somebody has changed. Only that: what they have not seen change stays as somebody else has left it. */
function changesOf({ writable = [], versioned, togetherOf }: ApiOf, data: Row, previous: Row): Row {
  const changed = writable.filter(
    (name) => name in data && JSON.stringify(data[name]) !== JSON.stringify(previous[name]),
  );
  const named = new Set([...changed, ...changed.flatMap((name) => togetherOf?.[name] ?? [])]);
  const changes = Object.fromEntries([...named].map((name) => [name, data[name]]));
  return versioned && previous.version !== undefined ? { ...changes, version: previous.version } : changes;
}

function picked(data: Row, names: readonly string[]): Row {
  return Object.fromEntries(Object.entries(filledIn(data)).filter(([name]) => names.includes(name)));
}

/** A record that is referred to may have been deleted since; that is no fault of the page that shows it. */
async function unlessGone<T>(record: Promise<T>): Promise<T | null> {
  return record.catch((error: { status?: number }) => {
    if (error.status === 404) return null;
    throw error;
  });
}

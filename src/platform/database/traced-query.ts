import type { Client } from 'pg';
import { inSpan, isTracing } from '../observability/tracing.js';

/** Runs a statement as a part of the trace that is under way. It is told by its name: its values are nobody's business. */
export function traced<T>(name: string, client: Client, query: () => Promise<T>): Promise<T> {
  if (!isTracing()) return query();
  const { host, port, database } = client;
  const attributes = {
    'db.system.name': 'postgresql',
    'db.query.summary': name,
    'server.address': host,
    'server.port': port,
    ...(database === undefined ? {} : { 'db.namespace': database }),
  };
  return inSpan({ name, kind: 'client', attributes }, query);
}

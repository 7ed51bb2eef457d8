import { createHash } from 'node:crypto';

/** Postgres settings by name. */
export type PostgresSettings = Record<string, string>;

const SETTINGS: PostgresSettings = {
  // The loopback address only, and no unix socket: a socket's path may have 107 characters, a data folder's more.
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',

  // An answer of 2xx is on disk. These are the defaults, said here so that an edited postgresql.conf cannot weaken them.
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',

  max_connections: '100',
  // Small on purpose: the service shares the machine, and the operating system's cache serves what does not fit.
  shared_buffers: '128MB',
  max_wal_size: '1GB',
  // Parallel queries take memory from /dev/shm, of which a container often has 64 MB; short queries gain nothing by them.
  max_parallel_workers_per_gather: '0',

  timezone: 'UTC',
  log_timezone: 'UTC',
  log_line_prefix: '%m [%p] ',
  // Failed statements are reported to the service, which logs what matters. Here they would let the log grow without
  // a limit: a unique violation is how this service notices a repeated request.
  log_min_messages: 'log',
  log_checkpoints: 'off',
};

/** Stands in the title of every server process, by which those of this cluster are known from all others. */
export function clusterName(clusterDir: string): string {
  return `holdfast-${createHash('sha256').update(clusterDir).digest('hex').slice(0, 16)}`;
}

/** The arguments of the server program. They are passed at every start, so a new version's settings need no migration. */
export function serverArguments(clusterDir: string, port: number, extra: PostgresSettings): string[] {
  const settings = { ...SETTINGS, ...extra, cluster_name: clusterName(clusterDir), port: String(port) };
  return [
    '-D',
    clusterDir,
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
}

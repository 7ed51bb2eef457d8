import { problemOf, unanswered, unreachable } from './problem';
import { accessToken, distrust } from './session';

export interface CallOptions {
  method?: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  body?: object;
  /** What is undefined, null or empty is left out. */
  query?: Record<string, unknown>;
  /** See `idempotency-key.ts`. */
  idempotencyKey?: string;
  signal?: AbortSignal;
}

/** Longer than the service lets any of its reads take. */
const READ_TIMEOUT_MS = 30_000;

/** Calls the API as the admin who is signed in. @throws HttpError with what the API has refused, by field. */
export async function call<T>(path: string, options: CallOptions = {}): Promise<T> {
  const { method = 'GET', signal } = options;
  // What is written may have been done although no answer comes: it is waited for.
  const isLimited = method === 'GET';
  const response = await answerTo(path, { ...options, ...(isLimited && { signal: withinTime(signal) }) });
  const text = await response.text().catch(toldApart);
  return (text ? JSON.parse(text) : undefined) as T;
}

/** The same, for an answer that is not JSON. */
export async function answerTo(path: string, options: CallOptions = {}): Promise<Response> {
  const token = await accessToken();
  const response = await send(path, token, options);
  if (response.status !== 401) return accepted(response);
  distrust(token);
  return accepted(await send(path, await accessToken(), options));
}

/** Where the API is; a path begins with a slash. */
export function addressOf(path: string, query: Record<string, unknown> = {}): string {
  const given = Object.entries(filledIn(query)).map(([name, value]) => [name, String(value)]);
  const text = new URLSearchParams(given).toString();
  return `/api/v1${path}${text && `?${text}`}`;
}

/** What was filled in: a member that is left out has the API's own default, and one that is empty mostly is a fault. */
export function filledIn(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== ''),
  );
}

async function send(path: string, token: string, options: CallOptions): Promise<Response> {
  const { method = 'GET', body, query, idempotencyKey, signal } = options;
  return fetch(addressOf(path, query), {
    method,
    headers: {
      Authorization: `Bearer ${token}`,
      ...(body && { 'Content-Type': 'application/json' }),
      ...(idempotencyKey && { 'Idempotency-Key': idempotencyKey }),
    },
    ...(body && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
  }).catch(toldApart);
}

function withinTime(signal: AbortSignal | undefined): AbortSignal {
  const timeout = AbortSignal.timeout(READ_TIMEOUT_MS);
  return signal ? AbortSignal.any([signal, timeout]) : timeout;
}

/** Nobody wants the answer any more, it takes too long, or there is nobody to give it. */
function toldApart(error: Error): never {
  if (error.name === 'AbortError') throw error;
  throw error.name === 'TimeoutError' ? unanswered() : unreachable();
}

async function accepted(response: Response): Promise<Response> {
  if (!response.ok) throw await problemOf(response);
  return response;
}

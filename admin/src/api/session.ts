import { del, get, set } from 'idb-keyval';
import { HttpError } from 'react-admin';
import { refusalOf, unreachable } from './problem';

export interface User {
  id: number;
  email: string;
  name: string;
  role: 'guest' | 'customer' | 'admin';
}

interface Tokens {
  access_token: string;
  refresh_token: string;
  expires_in: number;
  user: User;
}

interface Kept {
  user: User;
  access_token: string;
  /** By this browser's clock, in milliseconds. */
  until: number;
}

const KEY = 'holdfast.session';
/** An access token is renewed when less than this is left of it: a request takes its time. */
const MARGIN_MS = 20_000;
const MS_PER_SECOND = 1_000;
const UNAUTHORIZED = 401;
const SESSION_ENDED = 'session_ended';

/**
 * A refresh token is good for one use, and a second use ends the session. Where the browser can lock across tabs, all tabs
 * share one session and renew it one after the other: links open signed in. Elsewhere (plain http) each tab has its own.
 *
 * The access token is kept beside it. In memory alone it would have to be renewed at every load of the page, and whoever
 * reloads twice in a row would be signed out: the answer with the next refresh token is lost with the page that asked. To
 * whoever can read the storage it is worth less than its neighbour.
 */
const isShared = 'locks' in navigator;
const storage = isShared ? localStorage : sessionStorage;

/**
 * Where the refresh token is kept. What one tab writes to `localStorage` another may read late, even when it has got the lock
 * since: it would use the token a second time. A database has its transactions.
 */
const refreshToken = isShared
  ? {
      read: () => get<string>(KEY),
      keep: (token: string) => set(KEY, token),
      forget: () => del(KEY),
    }
  : {
      read: async () => sessionStorage.getItem(`${KEY}.refresh`) ?? undefined,
      keep: async (token: string) => sessionStorage.setItem(`${KEY}.refresh`, token),
      forget: async () => sessionStorage.removeItem(`${KEY}.refresh`),
    };

let renewal: Promise<string> | null = null;

/** Asks the admin for the password. Resolves when there is a session again; rejects when they would rather leave. */
type AskAgain = (user: User) => Promise<void>;

let askAgain: AskAgain | null = null;
let asking: Promise<void> | null = null;

/** Who is to ask when the session ends while somebody works. Without anybody, what is called then is refused. */
export function askedAgainBy(ask: AskAgain | null): void {
  askAgain = ask;
}

/** Who is signed in, or null. */
export function signedInUser(): User | null {
  return kept()?.user ?? null;
}

/** @throws HttpError when the credentials are wrong; Error for anybody but an admin, who is signed out again. */
export async function signIn(email: string, password: string): Promise<void> {
  const tokens = await post<Tokens>('/auth/login', { email, password });
  if (tokens.user.role !== 'admin') {
    await post('/auth/logout', { refresh_token: tokens.refresh_token }).catch(() => undefined);
    throw new Error('This page is for admins only, and this account is not one.');
  }
  await keep(tokens);
}

/** Forgets the session here, and ends it at the service if that can be reached. */
export async function signOut(): Promise<void> {
  const refresh_token = await refreshToken.read();
  await forget();
  if (refresh_token) await post('/auth/logout', { refresh_token }).catch(() => undefined);
}

/**
 * An access token that is good for the next request. When the session has ended, this waits for the admin to sign in again, so
 * that what they were about to send is not lost.
 * @throws HttpError 401 when they do not, or are not an admin any more.
 */
export async function accessToken(): Promise<string> {
  const fresh = freshToken();
  if (fresh) return fresh;
  try {
    return await renewed();
  } catch (error) {
    const user = signedInUser();
    if ((error as HttpError).body?.code !== SESSION_ENDED || !user || !askAgain) throw error;
    // In another tab they may have done so.
    if (freshToken()) return accessToken();
    asking ??= askAgain(user).finally(() => {
      asking = null;
    });
    await asking;
    return accessToken();
  }
}

/** The service knows this session no more. Who it was stays known here, until they sign in again or leave. */
function sessionEnded(): HttpError {
  return new HttpError('The session has ended: sign in again.', UNAUTHORIZED, { code: SESSION_ENDED });
}

/** The API has refused the token, whatever our clock says: the next request gets another. */
export function distrust(token: string): void {
  const session = kept();
  if (session?.access_token === token) store({ ...session, until: 0 });
}

/** One renewal at a time, whoever asks: in this tab by the promise, among tabs by the lock. */
function renewed(): Promise<string> {
  const ask = isShared ? () => navigator.locks.request(KEY, renew) : renew;
  renewal ??= ask().finally(() => {
    renewal = null;
  });
  return renewal;
}

async function renew(): Promise<string> {
  // Another tab may have been first.
  const fresh = freshToken();
  if (fresh) return fresh;
  const refresh_token = await refreshToken.read();
  if (!refresh_token) throw sessionEnded();
  const tokens = await post<Tokens>('/auth/refresh', { refresh_token }).catch((error: HttpError) => {
    throw error.status === UNAUTHORIZED ? sessionEnded() : error;
  });
  // Who signed out, or in as somebody else, while this was under way has decided.
  if ((await refreshToken.read()) !== refresh_token) throw sessionEnded();
  if (tokens.user.role !== 'admin')
    throw new HttpError('This account is not an admin any more.', UNAUTHORIZED);
  await keep(tokens);
  return tokens.access_token;
}

function freshToken(): string | null {
  const session = kept();
  return session && session.until - MARGIN_MS > Date.now() ? session.access_token : null;
}

async function post<T>(path: string, body: object): Promise<T> {
  const response = await fetch(`/api/v1${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  }).catch(() => {
    throw unreachable();
  });
  const text = await response.text();
  if (!response.ok) throw refusalOf(response.status, text, response.headers.get('Retry-After'));
  return (text ? JSON.parse(text) : undefined) as T;
}

function kept(): Kept | null {
  const text = storage.getItem(KEY);
  return text ? (JSON.parse(text) as Kept) : null;
}

async function keep({ access_token, refresh_token, expires_in, user }: Tokens): Promise<void> {
  await refreshToken.keep(refresh_token);
  store({ user, access_token, until: Date.now() + expires_in * MS_PER_SECOND });
}

function store(session: Kept): void {
  storage.setItem(KEY, JSON.stringify(session));
}

async function forget(): Promise<void> {
  storage.removeItem(KEY);
  await refreshToken.forget();
}

// Another tab has signed out, or in as somebody else: what this one shows is not theirs.
window.addEventListener('storage', ({ key, oldValue, newValue }) => {
  if (key !== KEY || userIn(oldValue) === userIn(newValue)) return;
  window.location.reload();
});

const userIn = (text: string | null) => (text ? (JSON.parse(text) as Kept).user.id : null);

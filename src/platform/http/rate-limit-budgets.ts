import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import type { CallerRequest } from './caller.js';

/** How many calls somebody has in how many seconds. */
export interface Allowance {
  calls: number;
  seconds: number;
  /** Whom the call is counted for. */
  per(request: CallerRequest): string;
  /** Only calls that were refused for who they are count: the guesses. The others get theirs back. */
  refusedOnly?: boolean;
  /**
   * Whoever tries to get in the way of those who count gains nothing: each process then counts these by itself. The others are
   * let through, since losing the count must cost no order.
   */
  mustCount?: boolean;
}

const MINUTE = 60;
const HOUR = 3_600;
const ADDRESS_LENGTH_MAX = 64;

/** Every budget, by the name that routes state. Of several allowances the first is what `RateLimit-*` tells of. */
export const BUDGETS = {
  /** Of every GET, unless its route says otherwise. */
  reads: [{ calls: 300, seconds: MINUTE, per: address }],
  product_writes: [{ calls: 50, seconds: MINUTE, per: caller }],
  inventory_writes: [{ calls: 120, seconds: MINUTE, per: caller }],
  orders: [{ calls: 60, seconds: MINUTE, per: caller }],
  /** Users that anybody may make: each is a row, and most cost a slow hash. */
  newcomers: [{ calls: 300, seconds: MINUTE, per: address, mustCount: true }],
  // One address at one account is slowed at once. Many addresses at one account, or one at many accounts, stay below that:
  // they run into their hour.
  login: [
    {
      calls: 10,
      seconds: MINUTE,
      per: (request) => `${address(request)} ${account(request)}`,
      mustCount: true,
    },
    // The address before the account: one address that has used up its hour must not use up those of others.
    { calls: 300, seconds: HOUR, per: address, refusedOnly: true, mustCount: true },
    { calls: 100, seconds: HOUR, per: account, refusedOnly: true, mustCount: true },
  ],
  /** Guesses at discount codes: whoever makes guests for it still has one address. */
  codes: [{ calls: 60, seconds: MINUTE, per: address, mustCount: true }],
  /** What payment providers tell: each may cost us a call to them, and anybody can pretend to be one. */
  notifications: [{ calls: 600, seconds: MINUTE, per: address }],
} satisfies Record<string, Allowance[]>;

export type BudgetName = keyof typeof BUDGETS;

/** A user or an API key; whoever is neither, by the address. */
function caller(request: CallerRequest): string {
  if (request.caller) return `user ${request.caller.id}`;
  return request.apiKey ? `key ${request.apiKey.id}` : address(request);
}

/** `request.ip` is what a proxy says only behind `TRUST_PROXY`; a proxy that is trusted with anything may say anything. */
function address({ ip }: CallerRequest): string {
  return isIPv6(ip) ? networkOf(ip) : ip.slice(0, ADDRESS_LENGTH_MAX);
}

// Whoever has one address of IPv6 has 2^64 of them; but one of IPv4 stays what it is, however it is written.
function networkOf(ip: string): string {
  // As Node writes it, on a socket that listens for both.
  const inner = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1];
  if (inner) return inner;
  const groups = groupsOf(ip);
  const [high = 0, low = 0] = groups.slice(6);
  const isMapped = groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0);
  if (isMapped) return [high >> 8, high & 255, low >> 8, low & 255].join('.');
  const network = groups.slice(0, 4).map((group) => group.toString(16));
  return `${network.join(':')}::/64`;
}

/** The eight numbers of an address of IPv6. */
function groupsOf(ip: string): number[] {
  const hex = (...bytes: string[]) =>
    bytes.map((byte) => Number(byte).toString(16).padStart(2, '0')).join('');
  const plain = (ip.split('%')[0] as string).replace(
    /(\d+)\.(\d+)\.(\d+)\.(\d+)$/,
    (_, a: string, b: string, c: string, d: string) => `${hex(a, b)}:${hex(c, d)}`,
  );
  const [before = [], after = []] = plain.split('::').map((half) => (half === '' ? [] : half.split(':')));
  const zeros = Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0');
  return [...before, ...zeros, ...after].map((group) => Number.parseInt(group, 16));
}

// Counted before the body is validated, so whatever stands there may be of any kind and length.
function account({ body }: CallerRequest): string {
  const email = (body as { email?: unknown } | null | undefined)?.email;
  const said = typeof email === 'string' ? email.trim().toLowerCase() : '';
  return createHash('sha256').update(said).digest('base64url');
}

import type { CancellationDetails, PaymentStatus } from './sandbox-facts.js';

/** What a payment token makes the gateway do: the first state of its payment, and how the first request is answered. */
export interface TokenScript {
  status: PaymentStatus;
  cancellation: CancellationDetails | null;
  /** `payment`: the payment object. `nothing`: the socket stays open, unanswered. `server_error`: a 500. */
  answer: 'payment' | 'nothing' | 'server_error';
  /** The charge happens only after the gateway's `slowMs`. */
  slow: boolean;
}

const succeeds: TokenScript = { status: 'succeeded', cancellation: null, answer: 'payment', slow: false };

const scripts = new Map<string, TokenScript>([
  ['tok_success', succeeds],
  ['tok_declined', declines('general_decline')],
  ['tok_insufficient_funds', declines('insufficient_funds')],
  ['tok_pending', { ...succeeds, status: 'pending' }],
  ['tok_timeout', { ...succeeds, answer: 'nothing' }],
  ['tok_error', { ...succeeds, answer: 'server_error' }],
  ['tok_slow', { ...succeeds, slow: true }],
]);

function declines(reason: string): TokenScript {
  return { ...succeeds, status: 'canceled', cancellation: { party: 'payment_network', reason } };
}

/** The script of a token; a payment without one succeeds at once. Null for a token the gateway never issued. */
export function scriptOf(token: string | undefined): TokenScript | null {
  return token === undefined ? succeeds : (scripts.get(token) ?? null);
}

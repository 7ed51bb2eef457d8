import fastifyCors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';
import type { Config } from '../config/config.js';

/** Browsers ask anew after two hours at the latest, whatever is said. */
const PREFLIGHT_SECONDS = 7_200;
const ON_THIS_MACHINE = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

const ALLOWED = [
  'Authorization',
  'Content-Type',
  'Idempotency-Key',
  'If-None-Match',
  'X-Api-Key',
  'X-Request-Id',
];
const EXPOSED = [
  'ETag',
  'Idempotent-Replayed',
  'RateLimit-Limit',
  'RateLimit-Remaining',
  'RateLimit-Reset',
  'Retry-After',
  'X-Request-Id',
];

type Origins = Config['corsOrigins'];

/**
 * Lets web pages of the configured origins call us. A preflight is answered here, before anybody is asked who they are, and
 * counts on no budget. Credentials are never allowed: nobody is known by a cookie, so a page can only do what the token in
 * its own hands may.
 */
export async function allowOrigins(
  fastify: FastifyInstance,
  { corsOrigins }: Pick<Config, 'corsOrigins'>,
): Promise<void> {
  if (Array.isArray(corsOrigins) && corsOrigins.length === 0) return;
  await fastify.register(fastifyCors, {
    // Who names no origin is no web page of another: their OPTIONS is a route that there is not, as ever.
    origin: (origin, done) => done(null, origin !== undefined && answerTo(origin, corsOrigins)),
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowedHeaders: ALLOWED,
    exposedHeaders: EXPOSED,
    credentials: false,
    maxAge: PREFLIGHT_SECONDS,
    strictPreflight: false,
  });
}

function answerTo(origin: string, allowed: Origins): string | boolean {
  if (allowed === 'any') return '*';
  if (allowed === 'this machine') return ON_THIS_MACHINE.test(origin);
  return allowed.includes(origin);
}

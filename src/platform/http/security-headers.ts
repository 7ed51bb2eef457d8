import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../config/config.js';

const YEAR_SECONDS = 31_536_000;

/**
 * Tells browsers what they may do with an answer: next to nothing. Being embedded is refused (an image, a script); what other
 * origins may fetch is said by CORS, and not touched by this. What is left out is for browsers that nobody has any more.
 */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': "default-src 'none';frame-ancestors 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};
const HEADERS = Object.entries(SECURITY_HEADERS);

/**
 * Sets them on every answer. A page (`/docs`, `/admin/`) sets the Content-Security-Policy that it needs by `reply.header`, from
 * any hook: that goes before this one.
 */
export function setSecurityHeaders(
  fastify: FastifyInstance,
  { production }: Pick<Config, 'production'>,
): void {
  fastify.addHook('onRequest', (_request: FastifyRequest, { raw }: FastifyReply, done: () => void) => {
    for (const [name, value] of HEADERS) raw.setHeader(name, value);
    done();
  });
  if (production) fastify.addHook('onRequest', askForTls);
}

// Only to who has come by TLS, as a trusted proxy says: on plain HTTP browsers overlook it. Not in development, where it would
// lock localhost into TLS for a year.
function askForTls({ protocol }: FastifyRequest, reply: FastifyReply, done: () => void): void {
  if (protocol === 'https') reply.header('Strict-Transport-Security', `max-age=${YEAR_SECONDS}`);
  done();
}

import helmet from '@fastify/helmet';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../config/config.js';

const YEAR_SECONDS = 31_536_000;

/** For what Node and the router answer by themselves, past all hooks: the same as the rest gets. A test compares them. */
export const BARE_HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': "default-src 'none';frame-ancestors 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};

/**
 * Tells browsers what they may do with our answers: next to nothing. A page (`/docs`, `/admin/`) sets the
 * Content-Security-Policy that it needs by `reply.header`, from any hook: that goes before this one.
 */
export async function setSecurityHeaders(
  fastify: FastifyInstance,
  { production }: Pick<Config, 'production'>,
): Promise<void> {
  await fastify.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] },
    },
    crossOriginOpenerPolicy: { policy: 'same-origin' },
    // Refuses being embedded (an image, a script); what other origins may fetch is said by CORS, and not touched by this.
    crossOriginResourcePolicy: { policy: 'same-origin' },
    referrerPolicy: { policy: 'no-referrer' },
    xContentTypeOptions: true,
    xFrameOptions: { action: 'deny' },
    strictTransportSecurity: false,
    // For pages that we do not have, and browsers that nobody has any more.
    crossOriginEmbedderPolicy: false,
    originAgentCluster: false,
    xDnsPrefetchControl: false,
    xDownloadOptions: false,
    xPermittedCrossDomainPolicies: false,
    xXssProtection: false,
  });
  if (production) fastify.addHook('onRequest', askForTls);
}

// Only to who has come by TLS, as a trusted proxy says: on plain HTTP browsers overlook it. Not in development, where it would
// lock localhost into TLS for a year.
function askForTls({ protocol }: FastifyRequest, reply: FastifyReply, done: () => void): void {
  if (protocol === 'https') reply.header('Strict-Transport-Security', `max-age=${YEAR_SECONDS}`);
  done();
}

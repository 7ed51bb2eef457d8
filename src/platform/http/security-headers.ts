import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import helmet, { type HelmetOptions } from 'helmet';
import type { Config } from '../config/config.js';

const YEAR_SECONDS = 31_536_000;

const OPTIONS: HelmetOptions = {
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
};

/** Tells browsers what they may do with an answer: next to nothing. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = headersOf(OPTIONS);
const HEADERS = Object.entries(SECURITY_HEADERS);

// They are the same for every answer; helmet would work them out anew for each.
function headersOf(options: HelmetOptions): Record<string, string> {
  const request = new IncomingMessage(new Socket());
  const response = new ServerResponse(request);
  helmet(options)(request, response, () => undefined);
  return Object.fromEntries(
    Object.entries(response.getHeaders()).map(([name, value]) => [name, String(value)]),
  );
}

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

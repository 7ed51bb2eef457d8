import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';

interface RawBodyConfig {
  rawBody?: boolean;
}

/** Route decorator: its body arrives as the bytes that were sent, unparsed, so that a signature over them can be checked first. */
export const RawBody = () => RouteConfig({ rawBody: true } satisfies RawBodyConfig);

export function wantsRawBody(request: FastifyRequest): boolean {
  return (request.routeOptions.config as RawBodyConfig).rawBody === true;
}

/** The bytes of the body of a `@RawBody()` route; none when it came without. */
export function rawBodyOf({ body }: FastifyRequest): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0);
}

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Metrics } from './metrics.service.js';

const SECONDS = [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** Node lets thirty more through, and a client could make a line of each. */
export const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Counts and times every request, by its route's template. What Node or the router cannot read as a request is not counted. */
export function measureRequests(fastify: FastifyInstance, metrics: Metrics): void {
  const seconds = metrics.histogram(
    'http_request_duration_seconds',
    'From the head of a request to the end of its answer. `status` is the class, or `aborted` when nobody waited for the answer.',
    SECONDS,
    ['method', 'route', 'status'],
  );
  const inFlight = metrics.gauge('http_requests_in_flight', 'Requests that are being answered.', [
    'method',
    'route',
  ]);
  fastify.addHook('onRequest', (request: FastifyRequest, { raw }: FastifyReply, done: () => void) => {
    const start = performance.now();
    const where = {
      method: METHODS.has(request.method) ? request.method : 'other',
      // A path that leads nowhere is the client's own invention.
      route: request.routeOptions.url ?? 'unknown',
    };
    inFlight.inc(where);
    raw.once('close', () => {
      inFlight.dec(where);
      const status = raw.writableFinished ? `${Math.floor(raw.statusCode / 100)}xx` : 'aborted';
      seconds.observe({ ...where, status }, (performance.now() - start) / 1_000);
    });
    done();
  });
}

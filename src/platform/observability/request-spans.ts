import type { FastifyInstance, FastifyReply } from 'fastify';
import type { CallerRequest } from '../http/caller.js';
import { METHODS } from './http.metrics.js';
import { beginServing, isTracing, mark, traceIdsOf } from './tracing.js';

/** Asked every few seconds by machines: of no interest, and they would be most of what there is. */
const UNTRACED = new Set(['/health', '/health/ready', '/metrics']);

/** Makes a span of every request, by its route's template. When nothing is traced it adds nothing. */
export function traceRequests(fastify: FastifyInstance): void {
  if (!isTracing()) return;
  fastify.addHook('onRequest', (request: CallerRequest, { raw }: FastifyReply, done: () => void) => {
    const route = request.routeOptions.url;
    if (route === undefined || !UNTRACED.has(route)) trace(request, route, raw);
    done();
  });
}

function trace(request: CallerRequest, route: string | undefined, answer: FastifyReply['raw']): void {
  const method = METHODS.has(request.method) ? request.method : 'HTTP';
  const span = beginServing(
    {
      name: route === undefined ? method : `${method} ${route}`,
      attributes: {
        'http.request.method': method === 'HTTP' ? '_OTHER' : method,
        // Without its query: people put tokens there.
        'url.path': request.url.split('?', 1)[0],
        'url.scheme': request.protocol,
        'client.address': request.ip,
        'holdfast.request_id': request.id,
        ...(route === undefined ? {} : { 'http.route': route }),
      },
    },
    request.headers.traceparent,
  );
  if (span === null) return;
  request.span = span;
  request.subject = { ...request.subject, ...traceIdsOf(span) };
  answer.once('close', () => {
    const { order_id } = request.subject ?? {};
    if (order_id !== undefined) span.setAttribute('holdfast.order_id', order_id);
    if (answer.headersSent) span.setAttribute('http.response.status_code', answer.statusCode);
    if (!answer.writableFinished) mark(span, 'aborted');
    else if (answer.statusCode >= 500) mark(span, String(answer.statusCode));
    span.end();
  });
}

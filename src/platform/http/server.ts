import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import type { Logger as Pino } from 'pino';
import type { Config } from '../config/config.js';
import { MalformedJson, ValidationFailed } from '../errors.js';
import { IdempotencyMetrics } from '../idempotency/idempotency.metrics.js';
import { WellFormedKey } from '../idempotency/well-formed-key.js';
import { measureRequests } from '../observability/http.metrics.js';
import { NestLog } from '../observability/logger.js';
import { Metrics } from '../observability/metrics.service.js';
import { uuidv7 } from '../uuid.js';
import { AnswerInterceptor } from './answer.js';
import { compressReads } from './compression.js';
import { runAsCurrent } from './current-request.js';
import { Drain } from './drain.js';
import { outOfBounds } from './json-bounds.js';
import { endLastConnections } from './last-connections.js';
import { ProblemFilter } from './problem.filter.js';
import { RateLimits } from './rate-limit.js';
import { wantsRawBody } from './raw-body.js';
import { handOn } from './streamed-body.js';
import { UnreadBody } from './unread-body.js';
import { refuseUnreadable, refuseUnroutable } from './unreadable-request.js';
import { StrictValidation } from './validation.js';

export const BASE_PATH = 'api/v1';
/** Machine surfaces stand outside of the versioned API. */
const UNVERSIONED = ['health', 'health/ready', 'metrics'];

const BODY_LIMIT_BYTES = 1_048_576;
const REQUEST_TIMEOUT_MS = 30_000;
const SANE_REQUEST_ID = /^[\w.:-]{1,128}$/;

/** The HTTP side of an application: everything that a module does not have to think of. Does not listen yet. */
export async function createServer(
  module: Parameters<typeof NestFactory.create>[0],
  config: Config,
  log: Pino,
): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    loggerInstance: log,
    // One line an answer, written below, instead of Fastify's two.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
    genReqId: requestId,
    clientErrorHandler: refuseUnreadable,
    frameworkErrors: refuseUnroutable,
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    trustProxy: trustProxyOf(config.env.TRUST_PROXY),
    routerOptions: { maxParamLength: 300 },
    // Closing waits for the answers under way, and idle keep-alive connections must not hold it up.
    forceCloseConnections: 'idle',
    // What comes in while it closes is answered like anything else, not with a 503 of Fastify's own.
    return503OnClosing: false,
  });
  tuneFastify(adapter);
  await compressReads(adapter);
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    logger: new NestLog(log),
    bodyParser: false,
    abortOnError: false,
  });
  app.setGlobalPrefix(BASE_PATH, { exclude: UNVERSIONED });
  app.useGlobalFilters(new ProblemFilter());
  app.useGlobalPipes(new StrictValidation());
  const drain = app.get(Drain);
  // What comes last is next to the route, and sees what it has answered before that becomes HTTP.
  app.useGlobalInterceptors(
    drain,
    app.get(RateLimits),
    new WellFormedKey(),
    new UnreadBody(),
    new AnswerInterceptor(),
    app.get(IdempotencyMetrics),
  );
  endLastConnections(adapter.getInstance(), drain);
  measureRequests(adapter.getInstance(), app.get(Metrics));
  return app;
}

function tuneFastify(adapter: FastifyAdapter): void {
  const fastify = adapter.getInstance();
  fastify.addHook('onRequest', (request: FastifyRequest, reply: FastifyReply, done: () => void) => {
    reply.header('X-Request-Id', request.id);
    reply.header('X-Content-Type-Options', 'nosniff');
    done();
  });
  fastify.addHook('preHandler', (request: FastifyRequest, _reply: FastifyReply, done: () => void) =>
    runAsCurrent(request, done),
  );
  fastify.addHook('onResponse', (request: FastifyRequest, reply: FastifyReply, done: () => void) => {
    const { method, url } = request;
    request.log.info(
      { method, url, status: reply.statusCode, ms: Math.round(reply.elapsedTime) },
      'answered',
    );
    done();
  });
  fastify.addContentTypeParser('text/csv', handOn);
  const parseJson = fastify.getDefaultJsonParser('error', 'error');
  fastify.removeContentTypeParser(['application/json', 'text/plain']);
  fastify.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    (request: FastifyRequest, body: Buffer, done: (error: Error | null, value?: unknown) => void) => {
      if (wantsRawBody(request)) done(null, body);
      // Clients that always name a content type also send it with an empty body: that is no body.
      else if (body.length === 0) done(null, undefined);
      else parseJson(request, body.toString(), (error, value) => done(faultOf(error, value), value));
    },
  );
}

function faultOf(error: Error | null, value: unknown): Error | null {
  if (error) return new MalformedJson();
  const fault = outOfBounds(value);
  return fault === null ? null : ValidationFailed.of('', fault);
}

function requestId(request: { headers: Record<string, string | string[] | undefined> }): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && SANE_REQUEST_ID.test(given) ? given : uuidv7();
}

type TrustProxy = boolean | string | ((address: string, hop: number) => boolean);

/** `true`, a number of hops, or a comma-separated list of addresses. */
function trustProxyOf(setting: string | undefined): TrustProxy {
  if (setting === undefined || setting === 'false') return false;
  if (setting === 'true') return true;
  if (!/^\d+$/.test(setting)) return setting;
  const hops = Number(setting);
  return (_address, hop) => hop < hops;
}

import { isUtf8 } from 'node:buffer';
import { UnsupportedMediaTypeException } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import type { Logger as Pino } from 'pino';
import type { Config } from '../config/config.js';
import { MalformedJson, ValidationFailed } from '../errors.js';
import { measureRequests } from '../observability/http.metrics.js';
import { NestLog } from '../observability/logger.js';
import { Metrics } from '../observability/metrics.service.js';
import { traceRequests } from '../observability/request-spans.js';
import { uuidv7 } from '../uuid.js';
import type { CallerRequest } from './caller.js';
import { compressReads } from './compression.js';
import { allowOrigins } from './cors.js';
import { runAsCurrent } from './current-request.js';
import { Drain } from './drain.js';
import { isEncoded } from './encoded-body.js';
import { outOfBounds } from './json-bounds.js';
import { endLastConnections } from './last-connections.js';
import { LoadShedding, shedLoad } from './load-shedding.js';
import { ProblemFilter } from './problem.filter.js';
import { wantsRawBody } from './raw-body.js';
import { RequestDoor } from './request-door.js';
import { setSecurityHeaders } from './security-headers.js';
import { cutSlowReaders } from './slow-readers.js';
import { handOn } from './streamed-body.js';
import { refuseForNode, refuseUnreadable, refuseUnroutable } from './unreadable-request.js';
import { StrictValidation } from './validation.js';

export const BASE_PATH = 'api/v1';
/** Machine surfaces stand outside of the versioned API. */
const UNVERSIONED = ['health', 'health/ready', 'metrics'];

const BODY_LIMIT_BYTES = 1_048_576;
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
    requestTimeout: config.env.REQUEST_TIMEOUT_MS,
    // For want of a Host header, Node's own refusal would be an empty one.
    http: { requireHostHeader: false, ...arrivalLimits(config) },
    trustProxy: trustProxyOf(config.env.TRUST_PROXY),
    routerOptions: { maxParamLength: 300 },
    // Closing waits for the answers under way, and idle keep-alive connections must not hold it up.
    forceCloseConnections: 'idle',
    // What comes in while it closes is answered like anything else, not with a 503 of Fastify's own.
    return503OnClosing: false,
  });
  tuneFastify(adapter, log);
  setSecurityHeaders(adapter.getInstance(), config);
  await allowOrigins(adapter.getInstance(), config);
  refuseForNode(adapter.getInstance());
  await compressReads(adapter);
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    logger: new NestLog(log),
    bodyParser: false,
    abortOnError: false,
  });
  app.setGlobalPrefix(BASE_PATH, { exclude: UNVERSIONED });
  app.useGlobalFilters(new ProblemFilter());
  app.useGlobalPipes(new StrictValidation());
  app.useGlobalInterceptors(app.get(RequestDoor));
  endLastConnections(adapter.getInstance(), app.get(Drain));
  measureRequests(adapter.getInstance(), app.get(Metrics));
  traceRequests(adapter.getInstance());
  shedLoad(adapter.getInstance(), app.get(LoadShedding));
  cutSlowReaders(adapter.getInstance(), config.env.SEND_TIMEOUT_MS);
  return app;
}

function tuneFastify(adapter: FastifyAdapter, log: Pino): void {
  const fastify = adapter.getInstance();
  fastify.addHook('onRequest', (request: CallerRequest, reply: FastifyReply, done: () => void) => {
    request.subject = { request_id: request.id };
    reply.header('X-Request-Id', request.id);
    done();
  });
  fastify.addHook('preHandler', (request: FastifyRequest, _reply: FastifyReply, done: () => void) =>
    runAsCurrent(request, done),
  );
  fastify.addHook('onResponse', (request: CallerRequest, reply: FastifyReply, done: () => void) => {
    const { method, url, subject } = request;
    log.info(
      { ...subject, method, url, status: reply.statusCode, ms: Math.round(reply.elapsedTime) },
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
      if (isEncoded(request)) done(new UnsupportedMediaTypeException());
      else if (wantsRawBody(request)) done(null, body);
      // Clients that always name a content type also send it with an empty body: that is no body.
      else if (body.length === 0) done(null, undefined);
      // Bytes that are no letters would become others, silently.
      else if (!isUtf8(body)) done(new MalformedJson());
      else parseJson(request, body.toString(), (error, value) => done(faultOf(error, value), value));
    },
  );
}

// Node only looks now and then who is late: often enough that nobody has much longer than the limit.
function arrivalLimits({ env }: Config) {
  const headersTimeout = Math.min(env.HEADERS_TIMEOUT_MS, env.REQUEST_TIMEOUT_MS);
  return { headersTimeout, connectionsCheckingInterval: Math.ceil(headersTimeout / 4) };
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

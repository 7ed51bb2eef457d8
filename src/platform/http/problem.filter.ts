import { STATUS_CODES } from 'node:http';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isBusy, isConnectionFault, namesNoUser } from '../database/database.errors.js';
import { DomainError, type FactKind, Overloaded } from '../errors.js';
import { isEncoded } from './encoded-body.js';
import { SECURITY_HEADERS } from './security-headers.js';
import { bodyTypeOf } from './streamed-body.js';

const STATUS: Record<FactKind, number> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  reused: 422,
  limited: 429,
  unavailable: 503,
  timeout: 504,
};

/** The status that a fact is answered with: for answers that tell of many, each with its own. */
export const statusOf = ({ kind }: DomainError): number => STATUS[kind];

interface Problem {
  status: number;
  code: string;
  detail: string;
  members?: object;
  retryAfterSeconds?: number;
  /** The methods that the path has, where it has not the one that was asked for. */
  allowed?: readonly string[];
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

const CODES: Record<number, string> = {
  400: 'bad_request',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  408: 'request_timeout',
  413: 'body_too_large',
  414: 'uri_too_long',
  415: 'unsupported_media_type',
  429: 'rate_limited',
  431: 'headers_too_large',
};

/** The one place where an error becomes an answer: RFC 9457 problem details, never a stack trace, never SQL. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger(ProblemFilter.name);

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    this.answer(error, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }

  /** Also Fastify's own error handler, for what fails before Nest sees the request. */
  answer(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const problem = problemOf(error, request);
    // Who has too much to do already should not write a trace of each whom it turns away: they are counted.
    if (problem.status >= 500 && !(error instanceof Overloaded)) {
      const said = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.logger.error(
        { request_id: request.id, code: problem.code, err: said },
        `${request.method} ${request.url} failed`,
      );
    }
    if (reply.sent) return;
    // Some are answered before any hook has run: a path that cannot be decoded, a target that is no path.
    if (!reply.hasHeader('X-Request-Id')) reply.headers({ 'X-Request-Id': request.id, ...SECURITY_HEADERS });
    if (problem.retryAfterSeconds) reply.header('Retry-After', String(problem.retryAfterSeconds));
    if (problem.allowed) reply.header('Allow', problem.allowed.join(', '));
    if (problem.status === 401) reply.header('WWW-Authenticate', 'Bearer');
    // A problem is never cached, whatever the route had meant to say of its success.
    reply.header('Cache-Control', 'no-store');
    reply
      .status(problem.status)
      .header('Content-Type', 'application/problem+json; charset=utf-8')
      .send(
        JSON.stringify({
          type: `urn:holdfast:problem:${problem.code}`,
          title: STATUS_CODES[problem.status] ?? 'Error',
          status: problem.status,
          detail: problem.detail,
          instance: request.url.split('?')[0],
          code: problem.code,
          error: problem.detail,
          request_id: request.id,
          ...problem.members,
        }),
      );
  }
}

function problemOf(error: unknown, request: FastifyRequest): Problem {
  if (error instanceof DomainError) {
    const { code, message, members, retryAfterSeconds } = error;
    return { status: statusOf(error), code, detail: message, members, retryAfterSeconds };
  }
  if (error instanceof HttpException) return ofStatus(error.getStatus(), error.message, request);
  if (isCutOff(error, request)) return ofStatus(400, 'the client has hung up', request);
  if (isConnectionFault(error)) {
    return {
      status: 503,
      code: 'database_unavailable',
      detail: 'the database cannot be reached; try again',
      retryAfterSeconds: 1,
    };
  }
  if (namesNoUser(error)) {
    return { status: 401, code: 'invalid_token', detail: 'the access token is invalid or has expired' };
  }
  if (isBusy(error)) {
    return { status: 503, code: 'busy', detail: 'the service is busy; try again', retryAfterSeconds: 1 };
  }
  const status = (error as { statusCode?: unknown })?.statusCode;
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return ofStatus(status, (error as Error).message, request);
  }
  return { status: 500, code: 'internal_error', detail: 'something went wrong on our side' };
}

// The client has gone in the middle of the body, and nobody hears this. Node's word for it could be of any connection.
function isCutOff(error: unknown, { raw }: FastifyRequest): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  return !raw.complete && code === 'ECONNRESET' && message === 'aborted';
}

function ofStatus(status: number, message: string, request: FastifyRequest): Problem {
  if (status >= 500) return { status, code: 'internal_error', detail: 'something went wrong on our side' };
  if (status === 404 && message.startsWith('Cannot ')) return ofNoRoute(request);
  if (status === 404) return { status, code: 'not_found', detail: message };
  if (status === 413) return { status, code: 'body_too_large', detail: 'the body is too large' };
  if (status === 415) {
    const detail = `the body must be ${bodyTypeOf(request)}${isEncoded(request) ? ', and not compressed' : ''}`;
    return { status, code: 'unsupported_media_type', detail };
  }
  return { status, code: CODES[status] ?? 'bad_request', detail: message };
}

// Fastify knows only that this method has no such path. Where the method is there, it is a file that is not. OPTIONS is no
// method of ours: a page that asks by it whether it may call us, and may not, is told no more than that.
function ofNoRoute({ method: asked, url, server }: FastifyRequest): Problem {
  const allowed = METHODS.filter((method) => Boolean(server.findRoute({ method, url })));
  const isThere = allowed.some((method) => method === asked);
  if (isThere || allowed.length === 0 || asked === 'OPTIONS')
    return { status: 404, code: 'not_found', detail: 'no such route' };
  const detail = `there is no ${asked} here, only ${allowed.join(', ')}`;
  return { status: 405, code: 'method_not_allowed', detail, allowed };
}

import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { BadRequestException } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { uuidv7 } from '../uuid.js';
import { ProblemFilter } from './problem.filter.js';
import { SECURITY_HEADERS } from './security-headers.js';
import { isStreaming } from './streamed-body.js';

interface Refusal {
  status: number;
  code: string;
  detail: string;
}

const UNREADABLE: Record<string, Refusal> = {
  HPE_HEADER_OVERFLOW: { status: 431, code: 'headers_too_large', detail: 'the headers are too large' },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    code: 'request_timeout',
    detail: 'the request did not arrive in time',
  },
};
const MALFORMED = { status: 400, code: 'bad_request', detail: 'the request is not valid HTTP' };
const UNEXPECTED = {
  status: 417,
  code: 'expectation_failed',
  detail: 'the only expectation may be 100-continue',
};

type HookDone = (error?: Error) => void;

/** Node could not make a request of what has arrived, so there is no reply either: the problem goes straight to the socket. */
export function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && isStreaming(socket)) return;
  // Who has hung up does not listen any more.
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, headers, body } = bareProblem(UNREADABLE[error.code ?? ''] ?? MALFORMED);
  const lines = Object.entries({ ...headers, Connection: 'close' }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** What Node would refuse by itself in a word or none: an `Expect` that it does not know, and a request without a host. */
export function refuseForNode(fastify: FastifyInstance): void {
  fastify.server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    const { status, headers, body } = bareProblem(UNEXPECTED);
    response.writeHead(status, headers).end(body);
  });
  fastify.addHook('onRequest', ({ headers, raw }: FastifyRequest, _reply: FastifyReply, done: HookDone) => {
    const isLost = headers.host === undefined && raw.httpVersion === '1.1';
    done(isLost ? new BadRequestException('the host header is missing') : undefined);
  });
}

function bareProblem({ status, code, detail }: Refusal) {
  const title = STATUS_CODES[status];
  const request_id = uuidv7();
  const type = `urn:holdfast:problem:${code}`;
  const body = JSON.stringify({ type, title, status, detail, code, error: detail, request_id });
  const headers = {
    'X-Request-Id': request_id,
    ...SECURITY_HEADERS,
    'Content-Type': 'application/problem+json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
  };
  return { status, headers, body };
}

/** Fastify could not route the request, e.g. `/products/%ZZ`. Its hooks are not run then. */
export function refuseUnroutable(error: Error, request: FastifyRequest, reply: FastifyReply): void {
  new ProblemFilter().answer(error, request, reply);
}

import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { uuidv7 } from '../uuid.js';
import { ProblemFilter } from './problem.filter.js';
import { BARE_HEADERS } from './security-headers.js';
import { isStreaming } from './streamed-body.js';

const UNREADABLE: Record<string, { status: number; code: string; detail: string }> = {
  HPE_HEADER_OVERFLOW: { status: 431, code: 'headers_too_large', detail: 'the headers are too large' },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    code: 'request_timeout',
    detail: 'the request did not arrive in time',
  },
};
const MALFORMED = { status: 400, code: 'bad_request', detail: 'the request is not valid HTTP' };

/** Node could not make a request of what has arrived, so there is no reply either: the problem goes straight to the socket. */
export function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && isStreaming(socket)) return;
  // Who has hung up does not listen any more.
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, code, detail } = UNREADABLE[error.code ?? ''] ?? MALFORMED;
  const title = STATUS_CODES[status];
  const request_id = uuidv7();
  const type = `urn:holdfast:problem:${code}`;
  const body = JSON.stringify({ type, title, status, detail, code, error: detail, request_id });
  const head = [
    `HTTP/1.1 ${status} ${title}`,
    `X-Request-Id: ${request_id}`,
    ...Object.entries(BARE_HEADERS).map(([name, value]) => `${name}: ${value}`),
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** Fastify could not route the request, e.g. `/products/%ZZ`. Its hooks are not run then. */
export function refuseUnroutable(error: Error, request: FastifyRequest, reply: FastifyReply): void {
  new ProblemFilter().answer(error, request, reply);
}

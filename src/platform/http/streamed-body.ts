import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { BadRequestException, HttpException, UnsupportedMediaTypeException } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';
import { isEncoded } from './encoded-body.js';

interface StreamedBody {
  type: string;
  limitBytes: number;
}

/** A client that sends nothing for so long has gone. */
const SILENCE_LIMIT_MS = 30_000;
const WHOLE_LIMIT_MS = 900_000;
/** How long we go on listening to a client whom we have already answered, so that it hears us. */
const REST_LIMIT_MS = 10_000;

/** Connections whose body is being read, at the speed at which it can be worked on. */
const streaming = new WeakSet<Socket>();

/**
 * Route decorator: its body is of this type and no other, may be longer than bodies are elsewhere, and is read piece by piece
 * with `bytesOf`. It may take longer to arrive than requests may elsewhere, too: while we work, we do not read.
 */
export const StreamedBody = (type: string, limitBytes: number) =>
  RouteConfig({ streamedBody: { type, limitBytes } satisfies StreamedBody });

function streamedBodyOf({ routeOptions }: FastifyRequest): StreamedBody | undefined {
  return (routeOptions.config as { streamedBody?: StreamedBody }).streamedBody;
}

/** The content type that the route reads, for whoever has sent another one. */
export function bodyTypeOf(request: FastifyRequest): string {
  const type = streamedBodyOf(request)?.type;
  if (type === undefined) return 'application/json';
  return isUtf8(request) ? type : `${type} in UTF-8`;
}

const CHARSET = /;\s*charset\s*=\s*"?([^\s";]+)/i;

/** Whether the letters of a body are said to be those of UTF-8, of which ASCII is a part, or nothing is said of them. */
function isUtf8({ headers }: FastifyRequest): boolean {
  const charset = CHARSET.exec(headers['content-type'] ?? '')?.[1];
  return charset === undefined || /^(utf-?8|us-ascii|ascii)$/i.test(charset);
}

/** Fastify's parser for a type of body that only some routes take: it reads nothing yet. */
export function handOn(
  request: FastifyRequest,
  payload: unknown,
  done: (error: Error | null, value?: unknown) => void,
): void {
  const wanted = streamedBodyOf(request);
  if (!wanted || isEncoded(request) || !isUtf8(request)) done(new UnsupportedMediaTypeException());
  else if (Number(request.headers['content-length']) > wanted.limitBytes) done(tooLarge());
  else done(null, payload);
}

/** The time that Node gives a request to arrive does not go for this connection now. */
export const isStreaming = (socket: Socket): boolean => streaming.has(socket);

/**
 * The body of a `@StreamedBody` route, as it arrives. Whoever stops in the middle need not read the rest.
 * @throws HttpException: 415 for another type of body, 413 beyond the limit, 408 when it takes too long, 400 when the client
 * hangs up.
 */
export async function* bytesOf(request: FastifyRequest): AsyncGenerator<Buffer> {
  const { body, raw } = request;
  const { limitBytes } = streamedBodyOf(request) as StreamedBody;
  if (!(body instanceof Readable)) throw new UnsupportedMediaTypeException();
  const deadline = Date.now() + WHOLE_LIMIT_MS;
  let length = 0;
  streaming.add(raw.socket);
  raw.setTimeout(SILENCE_LIMIT_MS, () => raw.destroy());
  try {
    for await (const chunk of body.iterator({ destroyOnReturn: false })) {
      length += (chunk as Buffer).length;
      if (length > limitBytes) throw tooLarge();
      if (Date.now() > deadline) throw new HttpException('the request did not arrive in time', 408);
      yield chunk as Buffer;
    }
  } catch (error) {
    throw error instanceof HttpException ? error : new BadRequestException('the client has hung up');
  } finally {
    raw.setTimeout(0);
    streaming.delete(raw.socket);
    if (!body.readableEnded) overhear(body, raw.socket);
  }
}

const tooLarge = () => new HttpException('the body is too large', 413);

// Closing a connection on which somebody still sends makes most clients miss the answer that is on it.
function overhear(body: Readable, socket: Socket): void {
  const giveUp = setTimeout(() => socket.destroy(), REST_LIMIT_MS).unref();
  body.on('error', () => undefined).once('close', () => clearTimeout(giveUp));
  body.resume();
}

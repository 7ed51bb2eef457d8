import { Socket } from 'node:net';
import { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { bytesOf, isStreaming } from '../../src/platform/http/streamed-body.js';
import { refuseUnreadable } from '../../src/platform/http/unreadable-request.js';

interface GivenRequest {
  request: FastifyRequest;
  body: Readable;
  socket: Socket & { said: string };
}

/** A request to a route whose bodies may have ten bytes. */
function givenRequest(body: Readable): GivenRequest {
  const socket = Object.assign(new Socket(), { said: '' });
  // What is not connected to anything can be written to all the same.
  Object.defineProperty(socket, 'writable', { value: true });
  socket.end = (text?: unknown) => {
    socket.said += String(text);
    return socket;
  };
  const raw = Object.assign(body, { socket, setTimeout: () => raw });
  const routeOptions = { config: { streamedBody: { type: 'text/csv', limitBytes: 10 } } };
  return { request: { body, raw, routeOptions } as unknown as FastifyRequest, body, socket };
}

async function read({ request }: GivenRequest): Promise<string> {
  let text = '';
  for await (const bytes of bytesOf(request)) text += bytes.toString();
  return text;
}

const pieces = (...texts: string[]) => Readable.from(texts.map((text) => Buffer.from(text)));

/** What Node says when a request takes too long to arrive. */
const late = Object.assign(new Error('late'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });

describe('a body that is read as it arrives', () => {
  it('is given piece by piece, up to its limit', async () => {
    expect(await read(givenRequest(pieces('01234', '56789')))).toBe('0123456789');
    expect(await read(givenRequest(pieces()))).toBe('');
  });

  it('is refused where it goes beyond its limit, and the rest of it is overheard', async () => {
    const given = givenRequest(pieces('01234', '56789', 'x', 'y', 'z'));
    const closed = new Promise((resolve) => given.body.once('close', resolve));
    await expect(read(given)).rejects.toMatchObject({ status: 413 });
    await closed;
    expect(given.body.readableEnded).toBe(true);
    expect(given.socket.destroyed).toBe(false);
  });

  it('may be left in the middle: what still comes is overheard', async () => {
    const given = givenRequest(pieces('0', '1', '2', '3'));
    const closed = new Promise((resolve) => given.body.once('close', resolve));
    for await (const bytes of bytesOf(given.request)) {
      expect(bytes.toString()).toBe('0');
      break;
    }
    await closed;
    expect(given.body.readableEnded).toBe(true);
  });

  it('breaks off when the client hangs up, as a fault of the client', async () => {
    async function* hangingUp() {
      yield Buffer.from('0');
      throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
    }
    await expect(read(givenRequest(Readable.from(hangingUp())))).rejects.toMatchObject({
      status: 400,
      message: 'the client has hung up',
    });
  });

  it('is no body of another type', async () => {
    const given = givenRequest(pieces());
    await expect(
      read({ ...given, request: { ...given.request, body: { sku: 'LAMP' } } as FastifyRequest }),
    ).rejects.toMatchObject({ status: 415 });
  });
});

describe('the time that a request may take to arrive', () => {
  it('goes for every connection but those whose body is being read', async () => {
    const given = givenRequest(pieces('0', '1'));
    const { socket } = given;
    for await (const _ of bytesOf(given.request)) {
      expect(isStreaming(socket)).toBe(true);
      refuseUnreadable(late, socket);
    }
    expect(socket.said).toBe('');
    expect(isStreaming(socket)).toBe(false);
    refuseUnreadable(late, socket);
    expect(socket.said).toContain('HTTP/1.1 408 Request Timeout');
  });
});

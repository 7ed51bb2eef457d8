import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { ProblemFilter } from '../../src/platform/http/problem.filter.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { eventually } from '../support/eventually.js';
import { givenAdmin } from '../support/given.js';
import { call, expectProblem } from '../support/given-shop.js';

const HEADERS_MS = 400;
const REQUEST_MS = 1_200;
const SEND_MS = 600;
/** Node looks four times as often as headers may take; the rest is for a slow machine. */
const SLACK_MS = 4_000;

let database: TestDatabase;
let app: TestApp;
const sockets: Socket[] = [];

beforeAll(async () => {
  database = await cloneDatabase();
  app = await bootApp(database, {
    HEADERS_TIMEOUT_MS: String(HEADERS_MS),
    REQUEST_TIMEOUT_MS: String(REQUEST_MS),
    SEND_TIMEOUT_MS: String(SEND_MS),
  });
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});
afterAll(async () => {
  await app.close();
  await database.drop();
});

function givenSocket(to = app): Socket {
  const { hostname, port } = new URL(to.url);
  const socket = connect(Number(port), hostname).setEncoding('utf8');
  socket.on('error', () => undefined);
  sockets.push(socket);
  return socket;
}

/** Says the head, and then `drop` again and again, until it is cut off. */
async function dribble(head: string, drop: string): Promise<{ heard: string; tookMs: number }> {
  const socket = givenSocket();
  let heard = '';
  socket.on('data', (chunk) => {
    heard += chunk;
  });
  const start = performance.now();
  socket.write(head);
  const dripping = setInterval(() => socket.writable && socket.write(drop), 50);
  await once(socket, 'close');
  clearInterval(dripping);
  return { heard, tookMs: performance.now() - start };
}

const connections = (of: TestApp): Promise<number> => {
  const server = of.app.getHttpServer();
  return promisify(server.getConnections.bind(server))() as Promise<number>;
};

describe('a client that sends byte by byte', () => {
  it('is cut off when its headers take too long, and told why', async () => {
    const { heard, tookMs } = await dribble('GET /health HTTP/1.1\r\nHost: shop\r\nX-Slow: ', 'a');
    expect(heard).toMatch(/^HTTP\/1\.1 408 /);
    expect(heard).toContain('"code":"request_timeout"');
    expect(tookMs).toBeGreaterThan(HEADERS_MS - 50);
    expect(tookMs).toBeLessThan(HEADERS_MS + SLACK_MS);
  });

  it('is cut off when its body takes too long', async () => {
    const head =
      'POST /api/v1/auth/login HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n';
    const { heard, tookMs } = await dribble(head, ' ');
    expect(heard).toMatch(/^HTTP\/1\.1 408 /);
    expect(tookMs).toBeGreaterThan(REQUEST_MS - 50);
    expect(tookMs).toBeLessThan(REQUEST_MS + SLACK_MS);
  });

  it('is cut off when the chunks of its body do', async () => {
    const head =
      'POST /api/v1/auth/login HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n';
    const { heard } = await dribble(head, '1\r\n \r\n');
    expect(heard).toMatch(/^HTTP\/1\.1 408 /);
  });
});

describe('a client that hangs up in the middle of its body', () => {
  it('is no fault of ours, and none of the database', async () => {
    const answered = jest.spyOn(ProblemFilter.prototype, 'answer');
    const complained = jest.spyOn(Logger.prototype, 'error');
    const head =
      'POST /api/v1/auth/login HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n';
    const socket = givenSocket();
    socket.write(head);
    // By then somebody waits for the body.
    await once(socket, 'data');
    socket.destroy();
    await eventually(() => answered.mock.calls.length === 1, { what: 'the end of the request' });
    const [, , reply] = answered.mock.calls[0] as Parameters<ProblemFilter['answer']>;
    expect(reply.statusCode).toBe(400);
    expect(complained).not.toHaveBeenCalled();
    jest.restoreAllMocks();
  });
});

describe('a client that takes nothing of its answers', () => {
  /** Asks for much more than the system keeps for a connection, and reads nothing. */
  async function givenDeafClient(to: TestApp): Promise<void> {
    const socket = givenSocket(to);
    socket.pause();
    await once(socket, 'connect');
    socket.write('GET /openapi.json HTTP/1.1\r\nHost: shop\r\n\r\n'.repeat(200));
    await eventually(async () => (await connections(to)) === 1);
  }

  it('is cut off', async () => {
    const start = performance.now();
    await givenDeafClient(app);
    await eventually(async () => (await connections(app)) === 0, { what: 'the cut' });
    expect(performance.now() - start).toBeLessThan(SEND_MS + SLACK_MS);
  });

  it('(control) is kept for ever when no time is set', async () => {
    const patient = await bootApp(database, { SEND_TIMEOUT_MS: '3600000' });
    await givenDeafClient(patient);
    const start = performance.now();
    await eventually(() => performance.now() - start > SEND_MS * 3);
    expect(await connections(patient)).toBe(1);
    for (const socket of sockets.splice(0)) socket.destroy();
    await patient.close();
  });

  it('is not one who reads slowly: it gets all of it', async () => {
    const socket = givenSocket();
    let length = 0;
    socket.on('data', (chunk: string) => {
      length += chunk.length;
      socket.pause();
      setTimeout(() => socket.resume(), 100);
    });
    socket.write('GET /openapi.json HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n');
    await once(socket, 'close');
    const whole = await (await fetch(`${app.url}/openapi.json`)).text();
    expect(length).toBeGreaterThan(whole.length);
  });
});

describe('a body that comes compressed', () => {
  const bomb = gzipSync(Buffer.alloc(64 * 1_048_576, ' '));

  it.each(['gzip', 'br', 'deflate, gzip'])('is refused without being unpacked: %s', async (encoding) => {
    const response = await fetch(`${app.url}/api/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-encoding': encoding },
      body: bomb,
    });
    expect(response.status).toBe(415);
    expect(await response.json()).toMatchObject({
      code: 'unsupported_media_type',
      detail: 'the body must be application/json, and not compressed',
    });
  });

  it('is refused where files are taken in, too', async () => {
    const admin = await givenAdmin(app, database);
    const response = await fetch(`${app.url}/api/v1/products/import`, {
      method: 'POST',
      headers: { ...admin.headers, 'content-type': 'text/csv', 'content-encoding': 'gzip' },
      body: bomb,
    });
    expect(response.status).toBe(415);
  });

  it('is taken when that is only said, and not so', async () => {
    const headers = { 'Content-Encoding': 'identity' };
    const answer = await call(app, null, 'POST', '/inventory/check', {
      headers,
      body: { items: [{ product_id: 1, quantity: 1 }] },
    });
    expect(answer.status).toBe(200);
  });

  it('is one byte too long at a mebibyte and one, whatever it says of its length', async () => {
    const answer = await call(app, null, 'POST', '/inventory/check', { body: '{}'.padEnd(1_048_577) });
    expectProblem(answer, 413, 'body_too_large');
  });
});

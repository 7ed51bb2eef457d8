import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * What happens to the next request on its way: nothing (`none`), or it never arrives (`lost`); all others do, and what they moved has moved: only the
 * answer is missing or spoilt.
 */
export type Fault =
  | 'none'
  | 'lost'
  | 'silence'
  | 'reset'
  | 'cut off'
  | 'server error'
  | 'page'
  | 'empty'
  | 'text';

/** The road between an adapter and its provider: a real server that passes everything on, but for faults on request. */
export class FaultyRoad {
  private server: Server | null = null;
  private faults: Fault[] = [];
  requests = 0;

  async open(target: string): Promise<string> {
    this.faults = [];
    this.requests = 0;
    const server = createServer((request, response) => {
      this.requests += 1;
      void pass(new URL(request.url ?? '', target), request, response, this.faults.shift());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.server = server;
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** One for each of the next requests, in order. */
  next(...faults: Fault[]): void {
    this.faults.push(...faults);
  }

  async close(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise((resolve) => this.server?.close(resolve));
  }
}

async function pass(
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
  fault: Fault | undefined,
): Promise<void> {
  const body = Buffer.concat((await request.toArray()) as Buffer[]);
  if (fault === 'lost') return void request.socket.destroy();
  const { host: _, connection: __, 'content-length': ___, ...headers } = request.headers;
  const answer = await fetch(url, {
    method: request.method ?? 'GET',
    headers: headers as Record<string, string>,
    ...(body.length > 0 && { body }),
  });
  const text = await answer.text();
  switch (fault) {
    case 'silence':
      return;
    case 'reset':
      return void request.socket.destroy();
    case 'cut off':
      response.writeHead(200, { 'content-length': text.length + 100 });
      return void response.write(text.slice(0, 20), () => request.socket.destroy());
    case 'server error':
      return void response.writeHead(500, { 'content-type': 'application/json' }).end('{}');
    case 'page':
      return void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Welcome</html>');
    case 'empty':
      return void response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    case 'text':
      return void response.writeHead(200, { 'content-type': 'application/json' }).end('"text"');
    default: {
      const replayed = answer.headers.get('idempotent-replayed');
      response
        .writeHead(answer.status, {
          'content-type': answer.headers.get('content-type') ?? '',
          ...(replayed !== null && { 'idempotent-replayed': replayed }),
        })
        .end(text);
    }
  }
}

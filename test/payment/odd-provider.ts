import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What came in, with its body as it was. */
export interface Received {
  method: string;
  url: URL;
  headers: IncomingMessage['headers'];
  body: string;
}

/** A real server that answers whatever a test wants, for what no provider does on request. */
export class OddProvider {
  readonly received: Received[] = [];
  /** Replaced by a test; 200 and nothing until then. */
  answer: (request: IncomingMessage, response: ServerResponse, received: Received) => void = (_, response) =>
    response.end();
  private server: Server | null = null;
  private port = 0;

  async start(): Promise<void> {
    this.received.length = 0;
    const server = createServer(async (request, response) => {
      const chunks = (await request.toArray()) as Buffer[];
      const { method = '', headers } = request;
      const url = new URL(request.url ?? '', this.origin);
      const received = { method, url, headers, body: Buffer.concat(chunks).toString() };
      this.received.push(received);
      this.answer(request, response, received);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  answers(status: number, body: unknown): void {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    this.answer = (_, response) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(text);
  }

  async stop(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise((resolve) => this.server?.close(resolve));
  }
}

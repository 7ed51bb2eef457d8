import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';

export interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

type Answering = (received: Received, response: ServerResponse) => void;

const accept: Answering = (_, response) => response.writeHead(204).end();

/** A real server that somebody has had events sent to. Answers as it is told, 204 unless it is told. */
export class Receiver {
  readonly received: Received[] = [];
  private answering: Answering = accept;

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async open(): Promise<Receiver> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const receiver = new Receiver(server, `http://127.0.0.1:${port}`);
    server.on('request', async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const body = Buffer.concat(chunks).toString();
      const received = { path: request.url as string, headers: request.headers, body };
      receiver.received.push(received);
      receiver.answering(received, response);
    });
    return receiver;
  }

  get port(): string {
    return new URL(this.url).port;
  }

  /** What has come to this path, in the order in which it came. */
  at(path: string): Received[] {
    return this.received.filter((one) => one.path === path);
  }

  answers(answering: Answering | number): void {
    this.answering =
      typeof answering === 'number' ? (_, response) => response.writeHead(answering).end() : answering;
  }

  accepts(): void {
    this.answering = accept;
  }

  /** Lets go of whoever still waits for an answer. */
  hangUp(): void {
    this.server.closeAllConnections();
  }

  async close(): Promise<void> {
    this.hangUp();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** What a receiver does with what it got: throws unless it was signed with the secret, just now. */
export function verified({ body, headers }: Received, secret: string): Record<string, any> {
  return new Webhook(secret).verify(body, headers as Record<string, string>) as Record<string, any>;
}

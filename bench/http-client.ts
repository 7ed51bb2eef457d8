import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type Client, UNANSWERED } from './closed-loop.js';

const ANSWER_TIMEOUT_MS = 15_000;
const HEAD_END = '\r\n\r\n';
const CONTENT_LENGTH = /\r\ncontent-length: (\d+)/i;

/** A request as it goes over the wire. `credential` is the header that says who calls. */
export function postRequest(path: string, credential: string, idempotencyKey: string, body: string): string {
  return (
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${credential}\r\n` +
    `Idempotency-Key: ${idempotencyKey}\r\nContent-Type: application/json\r\n` +
    `Content-Length: ${body.length}${HEAD_END}${body}`
  );
}

/** A read that everybody may do, as it goes over the wire. Browsers take compressed answers, all of them. */
export function getRequest(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip, deflate, br${HEAD_END}`;
}

/**
 * One keep-alive connection that sends one request at a time and reads of the answer only what it must.
 *
 * The load generator runs on the cores of the service that it measures: a complete HTTP client would take several times
 * the time of this one, and what it takes is missing in the figures.
 */
export class HttpClient implements Client {
  private socket: Socket | undefined;
  private received: Buffer = Buffer.alloc(0);
  private answer: (status: number) => void = () => undefined;

  constructor(
    private readonly port: number,
    private readonly nextRequest: () => string,
  ) {}

  async call(): Promise<number> {
    const socket = this.socket ?? (await this.open());
    if (!socket) return UNANSWERED;
    return new Promise((resolve) => {
      this.answer = resolve;
      socket.write(this.nextRequest(), 'latin1');
    });
  }

  async close(): Promise<void> {
    this.socket?.destroy();
  }

  private async open(): Promise<Socket | undefined> {
    const socket = connect(this.port, '127.0.0.1');
    try {
      await once(socket, 'connect');
    } catch {
      return undefined;
    }
    socket.setNoDelay(true);
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy());
    socket.on('data', (chunk) => this.read(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.socket = undefined;
      this.received = Buffer.alloc(0);
      this.answer(UNANSWERED);
    });
    this.socket = socket;
    return socket;
  }

  private read(chunk: Buffer): void {
    const received = this.received.length === 0 ? chunk : Buffer.concat([this.received, chunk]);
    const headLength = received.indexOf(HEAD_END, 0, 'latin1');
    const head = received.toString('latin1', 0, Math.max(headLength, 0));
    const bodyLength = Number(CONTENT_LENGTH.exec(head)?.[1] ?? 0);
    const whole = headLength > 0 && received.length >= headLength + HEAD_END.length + bodyLength;
    this.received = whole ? Buffer.alloc(0) : received;
    // "HTTP/1.1 201 Created"
    if (whole) this.answer(Number(head.slice(9, 12)));
  }
}

import { Agent, type IncomingMessage, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

const LOOK_INTERVAL_MS = 50;

export interface Answered {
  status: number;
  body: any;
}

/**
 * What stands before several instances: sends to those that say they are ready, in turns and on connections that it keeps.
 * It tries another one only when a connection was refused, so before anything was sent. Whatever else fails is lost.
 */
export class Balancer {
  /** What was sent and not answered. */
  readonly lost: string[] = [];
  answered = 0;
  private readonly agent = new Agent({ keepAlive: true });
  private readonly ready = new Set<number>();
  private readonly looking: Promise<void>;
  private turn = 0;
  private isClosed = false;

  constructor(private readonly ports: number[]) {
    this.looking = this.look();
  }

  async send(method: string, path: string, headers: Record<string, string> = {}, body?: object) {
    for (;;) {
      const port = await this.next();
      try {
        const answer = await this.ask(port, method, path, headers, body);
        this.answered += 1;
        return answer;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') continue;
        this.lost.push(`${method} ${path}: ${(error as Error).message}`);
        return null;
      }
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await this.looking;
    this.agent.destroy();
  }

  private async next(): Promise<number> {
    while (this.ready.size === 0) await pause(LOOK_INTERVAL_MS);
    this.turn += 1;
    const ready = [...this.ready];
    return ready[this.turn % ready.length] as number;
  }

  private async look(): Promise<void> {
    while (!this.isClosed) {
      await Promise.all(
        this.ports.map(async (port) => {
          const answer = await this.ask(port, 'GET', '/health/ready', {}).catch(() => null);
          if (answer?.status === 200) this.ready.add(port);
          else this.ready.delete(port);
        }),
      );
      await pause(LOOK_INTERVAL_MS);
    }
  }

  private ask(
    port: number,
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: object,
  ): Promise<Answered> {
    const { promise, resolve, reject } = Promise.withResolvers<Answered>();
    const text = body && JSON.stringify(body);
    const typed = text ? { ...headers, 'content-type': 'application/json' } : headers;
    const sent = request({ host: '127.0.0.1', port, method, path, headers: typed, agent: this.agent });
    sent.once('error', reject);
    sent.once('response', (answer: IncomingMessage) => {
      let read = '';
      answer.setEncoding('utf8').on('data', (part: string) => {
        read += part;
      });
      answer.once('error', reject);
      answer.once('end', () => resolve({ status: answer.statusCode ?? 0, body: JSON.parse(read || 'null') }));
    });
    sent.end(text);
    return promise;
  }
}

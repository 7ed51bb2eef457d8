import cluster, { type Worker } from 'node:cluster';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';

interface Message {
  /** What it is about. */
  news: string;
  content: unknown;
}

/** In the primary: passes on to the others what a worker tells. */
export function relayNews(): void {
  cluster.on('message', (from: Worker, message: Message | undefined) => {
    if (message?.news === undefined) return;
    for (const worker of Object.values(cluster.workers ?? {})) {
      if (worker?.isConnected() && worker.id !== from.id) worker.send(message, ignoreEnd);
    }
  });
}

/**
 * What the workers of one machine tell each other, within some milliseconds and without any promise: who begins later, or has just
 * died, does not hear it. Outside of a cluster nobody does.
 */
@Injectable()
export class WorkerNews implements OnApplicationShutdown {
  private readonly listeners: ((message: Message | undefined) => void)[] = [];

  tell(news: string, content: object): void {
    if (cluster.isWorker)
      process.send?.({ news, content } satisfies Message, undefined, undefined, ignoreEnd);
  }

  /** `hear` is told what other workers tell about `news`, and not what this one does. */
  hear<Content>(news: string, hear: (content: Content) => void): void {
    if (!cluster.isWorker) return;
    const listener = (message: Message | undefined) => {
      if (message?.news === news) hear(message.content as Content);
    };
    process.on('message', listener);
    this.listeners.push(listener);
  }

  onApplicationShutdown(): void {
    for (const listener of this.listeners) process.off('message', listener);
  }
}

function ignoreEnd(): void {
  // Whoever should hear it has just died.
}

import { once } from 'node:events';
import { type AddressInfo, createServer, connect as dial, type Server, type Socket } from 'node:net';

/** One connection through the proxy: the two sockets that it joins. */
export interface Link {
  readonly client: Socket;
  readonly server: Socket;
}

/**
 * What is done to what passes through one link. Each sees bytes before they are passed on; `false` keeps them from the
 * other side. A chunk is what one read gave: on loopback, small messages that were written at once.
 */
export interface Interference {
  onRequest?(bytes: Buffer, link: Link): boolean;
  onAnswer?(bytes: Buffer, link: Link): boolean;
}

/** The network between two processes, in our hands. */
export class TcpProxy {
  private readonly links = new Set<Link>();
  private silent = false;
  /** Asked for each new link. */
  interfere: (link: Link) => Interference = () => ({});

  private constructor(
    private readonly server: Server,
    private readonly target: number,
  ) {
    server.on('connection', (client) => this.join(client));
  }

  static async to(target: number): Promise<TcpProxy> {
    const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new TcpProxy(server, target);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** The cable is pulled: nobody is told, and nothing arrives. */
  silence(): void {
    this.silent = true;
    for (const { client, server } of this.links) {
      client.pause();
      server.pause();
    }
  }

  /** The cable is back: what was sent meanwhile arrives now, late, as it does when TCP sends it again. */
  restore(): void {
    this.silent = false;
    for (const { client, server } of this.links) {
      client.resume();
      server.resume();
    }
  }

  /** Every connection is reset, at both ends. New ones may come. */
  reset(): void {
    for (const link of this.links) cut(link);
  }

  async close(): Promise<void> {
    this.reset();
    this.server.close();
    await once(this.server, 'close');
  }

  private join(client: Socket): void {
    const server = dial({ port: this.target, host: '127.0.0.1', allowHalfOpen: true });
    const link = { client, server };
    this.links.add(link);
    const interference = this.interfere(link);
    pass(client, server, (bytes) => interference.onRequest?.(bytes, link) ?? true);
    pass(server, client, (bytes) => interference.onAnswer?.(bytes, link) ?? true);
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      // A reset on one side is one on the other; what is reset has nothing more to tell.
      socket.on('error', () => cut(link));
      socket.once('close', () => {
        if (client.destroyed && server.destroyed) this.links.delete(link);
      });
    }
    if (this.silent) {
      client.pause();
      server.pause();
    }
  }
}

/** Resets both ends of the link. */
export function cut({ client, server }: Link): void {
  client.resetAndDestroy();
  server.resetAndDestroy();
}

function pass(from: Socket, to: Socket, look: (bytes: Buffer) => boolean): void {
  from.on('data', (bytes) => {
    if (!look(bytes)) return;
    if (to.writable) to.write(bytes);
    // Whoever had asked is gone; until now, what they asked for could still go on.
    else from.destroy();
  });
  from.once('end', () => to.end());
}

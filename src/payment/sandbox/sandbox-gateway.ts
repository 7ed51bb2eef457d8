import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LedgerFact } from './sandbox-facts.js';
import { SandboxLedger } from './sandbox-ledger.js';
import { SandboxNotifier } from './sandbox-notifier.js';
import { SandboxPayments } from './sandbox-payments.js';
import { SandboxRoutes } from './sandbox-routes.js';

const PENDING_MS = 3_600_000;
const NOTIFY_RETRY_MS = 1_000;

export interface SandboxGatewayOptions {
  /** 0 takes any free port. */
  port: number;
  /** Default 127.0.0.1: the gateway is for its own machine only. */
  host?: string;
  ledgerFile: string;
  shopId: string;
  secretKey: string;
  /** How long `tok_slow` takes. Default 3000. */
  slowMs?: number;
  /** How long a payment waits for its customer before it is canceled. Default one hour. */
  pendingMs?: number;
  /** Where YooKassa's notifications of payments that their customers have decided, and of refunds, go. Default: nowhere. */
  notifyUrl?: string;
  /** The wait before a notification is tried again; it doubles with each try. Default 1000. */
  notifyRetryMs?: number;
  /** Told of every fault of the gateway itself (a full disk, a bug), which the client sees as a plain 500. */
  onFault?: (fault: unknown) => void;
}

export interface RunningSandboxGateway {
  /** Ends in /v3: what `YOOKASSA_API_URL` wants. */
  url: string;
  port: number;
  /** Ends every connection, the unanswered ones too, and closes the ledger. */
  close(): Promise<void>;
}

/**
 * Starts the bundled payment gateway: the YooKassa v3 protocol over HTTP, with a ledger of its own.
 *
 * Every answer is on disk before it leaves, so a `kill -9` and a start on the same ledger forget nothing that
 * anyone was told. One gateway a ledger file.
 */
export async function startSandboxGateway(options: SandboxGatewayOptions): Promise<RunningSandboxGateway> {
  const host = options.host ?? '127.0.0.1';
  const record = (fact: LedgerFact) => {
    ledger.append(fact);
    const news = notifier && routes.newsOf(fact);
    if (news) notifier.tell(news, ledger.durable());
  };
  const payments = new SandboxPayments(record, options.pendingMs ?? PENDING_MS);
  const ledger = await SandboxLedger.open(options.ledgerFile, (fact) => payments.replay(fact));
  // Longer than clients keep idle connections: one that closes just as a request arrives looks like a lost charge.
  const server = createServer({ keepAliveTimeout: 65_000 });
  try {
    await listen(server, options.port, host);
  } catch (error) {
    await ledger.close();
    throw error;
  }
  const { port } = server.address() as AddressInfo;
  const siteUrl = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const routes = new SandboxRoutes(options, siteUrl, payments, ledger);
  const notifier = notifierOf(options);
  server.on('request', (request, response) => void routes.serve(request, response));
  return {
    url: `${siteUrl}/v3`,
    port,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      routes.abandonSlowPayments();
      await notifier?.close();
      server.closeAllConnections();
      await closed;
      await ledger.close();
    },
  };
}

async function listen(server: Server, port: number, host: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
}

function notifierOf({ notifyUrl, notifyRetryMs, onFault }: SandboxGatewayOptions): SandboxNotifier | null {
  if (notifyUrl === undefined) return null;
  return new SandboxNotifier({
    url: notifyUrl,
    retryMs: notifyRetryMs ?? NOTIFY_RETRY_MS,
    onFault: (fault) => onFault?.(fault),
  });
}

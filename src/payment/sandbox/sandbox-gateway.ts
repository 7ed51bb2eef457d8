import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { confirmationPage, ledgerListing, paymentObject, refundObject } from './sandbox-answers.js';
import {
  errorBody,
  internalServerError,
  invalidRequest,
  keyUsedForAnotherRequest,
  methodNotAllowed,
  notFound,
  RequestRefused,
} from './sandbox-errors.js';
import {
  credentialCheck,
  json,
  page,
  type Reply,
  readIdempotenceKey,
  readJson,
  readText,
  seeOther,
  send,
} from './sandbox-http.js';
import { SandboxLedger } from './sandbox-ledger.js';
import { type KeyedRequest, type Payment, SandboxPayments } from './sandbox-payments.js';
import {
  type PaymentRequest,
  readPaymentRequest,
  readRefundRequest,
  requestSha256,
} from './sandbox-requests.js';
import { scriptOf, type TokenScript } from './sandbox-tokens.js';

const PENDING_MS = 3_600_000;

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
  const payments = new SandboxPayments((fact) => ledger.append(fact), options.pendingMs ?? PENDING_MS);
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
  const gateway = new SandboxGateway(options, siteUrl, payments, ledger);
  server.on('request', (request, response) => void gateway.serve(request, response));
  return {
    url: `${siteUrl}/v3`,
    port,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      gateway.abandonSlowPayments();
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

interface Route {
  method: string;
  path: RegExp;
  /** The customer's browser has no shop credentials; everything else needs them. */
  open?: true;
  /** @returns null when the request is never to be answered. */
  answer: (request: IncomingMessage, id: string, url: URL) => Reply | null | Promise<Reply | null>;
}

class SandboxGateway {
  private readonly checkCredentials: (request: IncomingMessage) => void;
  private readonly closing = new AbortController();
  /** Payments being worked on (`tok_slow`): accepted, not yet charged. */
  private readonly slow = new Map<string, { sha256: string; endsAtMs: number }>();

  private readonly routes: Route[] = [
    { method: 'POST', path: /^\/v3\/payments$/, answer: (request) => this.createPayment(request) },
    { method: 'GET', path: /^\/v3\/payments\/([^/]+)$/, answer: (_, id) => this.showPayment(id) },
    { method: 'POST', path: /^\/v3\/refunds$/, answer: (request) => this.createRefund(request) },
    { method: 'GET', path: /^\/v3\/refunds\/([^/]+)$/, answer: (_, id) => this.showRefund(id) },
    { method: 'GET', path: /^\/ledger$/, answer: (_request, _id, url) => this.showLedger(url) },
    { method: 'GET', path: /^\/confirm\/([^/]+)$/, open: true, answer: (_, id) => this.askCustomer(id) },
    {
      method: 'POST',
      path: /^\/confirm\/([^/]+)$/,
      open: true,
      answer: (request, id) => this.settle(request, id),
    },
  ];

  constructor(
    private readonly options: SandboxGatewayOptions,
    private readonly siteUrl: string,
    private readonly payments: SandboxPayments,
    private readonly ledger: SandboxLedger,
  ) {
    this.checkCredentials = credentialCheck(options.shopId, options.secretKey);
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refuse = (error: unknown) => this.refuse(error);
    const reply = await this.answer(request).catch(refuse);
    // The one gate: no answer leaves before everything it may have seen is on disk, refusals and reads included.
    const final = await this.ledger.durable().then(() => reply, refuse);
    if (final !== null) send(response, final);
  }

  abandonSlowPayments(): void {
    this.closing.abort();
  }

  private async answer(request: IncomingMessage): Promise<Reply | null> {
    const url = URL.parse(`${this.siteUrl}${request.url}`);
    if (url === null) throw notFound('This address');
    const matches = this.routes.filter((route) => route.path.test(url.pathname));
    const route = matches.find(({ method }) => method === request.method);
    if (!matches[0]?.open) this.checkCredentials(request);
    if (matches.length === 0) throw notFound('This address');
    if (route === undefined) throw methodNotAllowed();
    const id = route.path.exec(url.pathname)?.[1] ?? '';
    return route.answer(request, id, url);
  }

  private async createPayment(request: IncomingMessage): Promise<Reply | null> {
    const { keyed, body } = await readKeyed(request, '/payments');
    const repeated = this.repeat(keyed);
    if (repeated !== null) return repeated;
    const wanted = readPaymentRequest(body);
    const script = scriptOf(wanted.payment_token);
    if (script === null) throw invalidRequest('payment_token: is no token of this gateway', 'payment_token');
    const payment = script.slow
      ? await this.createSlowly(keyed, wanted, script)
      : this.payments.create(keyed, wanted, script);
    if (script.answer === 'nothing') return null;
    if (script.answer === 'server_error') throw internalServerError();
    return this.tell(payment);
  }

  private async createRefund(request: IncomingMessage): Promise<Reply> {
    const { keyed, body } = await readKeyed(request, '/refunds');
    const repeated = this.repeat(keyed);
    if (repeated !== null) return repeated;
    return json(200, refundObject(this.payments.refund(keyed, readRefundRequest(body))));
  }

  /** The answer to a request made before: what it made, or that it is still being worked on. Null for a new one. */
  private repeat(keyed: KeyedRequest): Reply | null {
    const working = this.slow.get(keyed.key);
    if (working !== undefined) {
      if (working.sha256 !== keyed.sha256) throw keyUsedForAnotherRequest();
      const description = 'The request is being worked on; repeat it with the same key';
      const retry_after = Math.max(1, working.endsAtMs - Date.now());
      return json(202, { type: 'processing', description, retry_after });
    }
    const made = this.payments.madeUnder(keyed);
    if (made === null) return null;
    return 'payment' in made ? this.tell(made.payment) : json(200, refundObject(made.refund));
  }

  /** Nothing is charged while this waits: a gateway that dies here leaves the key as if it had never been used. */
  private async createSlowly(
    keyed: KeyedRequest,
    wanted: PaymentRequest,
    script: TokenScript,
  ): Promise<Payment> {
    const slowMs = this.options.slowMs ?? 3000;
    this.slow.set(keyed.key, { sha256: keyed.sha256, endsAtMs: Date.now() + slowMs });
    try {
      await delay(slowMs, undefined, { signal: this.closing.signal });
      // Charged before the key stops being worked on: a repeat must never find it in neither place.
      return this.payments.create(keyed, wanted, script);
    } finally {
      this.slow.delete(keyed.key);
    }
  }

  private showPayment(id: string): Reply {
    return this.tell(this.payments.getPayment(id));
  }

  private showRefund(id: string): Reply {
    return json(200, refundObject(this.payments.getRefund(id)));
  }

  private showLedger(url: URL): Reply {
    return json(200, ledgerListing(this.payments.list(url.searchParams.get('order_id'))));
  }

  private askCustomer(id: string): Reply {
    return page(confirmationPage(this.payments.getPayment(id)));
  }

  private async settle(request: IncomingMessage, id: string): Promise<Reply> {
    const decision = new URLSearchParams(await readText(request)).get('decision');
    if (decision !== 'approve' && decision !== 'decline') {
      throw invalidRequest('decision: must be approve or decline', 'decision');
    }
    const payment = this.payments.settle(id, decision);
    return payment.created.return_url === null
      ? page(confirmationPage(payment))
      : seeOther(payment.created.return_url);
  }

  private refuse(error: unknown): Reply {
    const refused = error instanceof RequestRefused ? error : internalServerError();
    // While closing, requests break off on purpose and there is nothing to report.
    if (refused !== error && !this.closing.signal.aborted) this.options.onFault?.(error);
    return json(refused.status, errorBody(refused));
  }

  private tell(payment: Payment): Reply {
    return json(200, paymentObject(payment, this.options.shopId, this.siteUrl));
  }
}

async function readKeyed(
  request: IncomingMessage,
  path: string,
): Promise<{ keyed: KeyedRequest; body: unknown }> {
  const key = readIdempotenceKey(request);
  const body = await readJson(request);
  return { keyed: { key, sha256: requestSha256(path, body) }, body };
}

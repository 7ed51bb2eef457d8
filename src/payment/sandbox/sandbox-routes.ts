import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import {
  confirmationPage,
  ledgerListing,
  listObject,
  notificationObject,
  paymentObject,
  refundObject,
} from './sandbox-answers.js';
import {
  errorBody,
  internalServerError,
  invalidRequest,
  keyUsedForAnotherRequest,
  methodNotAllowed,
  notFound,
  RequestRefused,
} from './sandbox-errors.js';
import type { LedgerFact } from './sandbox-facts.js';
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
import type { SandboxLedger } from './sandbox-ledger.js';
import type { KeyedRequest, Payment, SandboxPayments } from './sandbox-payments.js';
import {
  type PaymentRequest,
  readListQuery,
  readPaymentRequest,
  readRefundRequest,
  requestSha256,
} from './sandbox-requests.js';
import { scriptOf, type TokenScript } from './sandbox-tokens.js';

export interface RoutesOptions {
  shopId: string;
  secretKey: string;
  slowMs?: number;
  onFault?: (fault: unknown) => void;
}

interface Route {
  method: string;
  path: RegExp;
  /** The customer's browser has no shop credentials; everything else needs them. */
  open?: true;
  /** @returns null when the request is never to be answered. */
  answer: (request: IncomingMessage, id: string, url: URL) => Reply | null | Promise<Reply | null>;
}

/** What the gateway answers to whom. */
export class SandboxRoutes {
  private readonly checkCredentials: (request: IncomingMessage) => void;
  private readonly closing = new AbortController();
  /** Payments being worked on (`tok_slow`): accepted, not yet charged. */
  private readonly slow = new Map<string, { sha256: string; endsAtMs: number }>();

  private readonly routes: Route[] = [
    { method: 'POST', path: /^\/v3\/payments$/, answer: (request) => this.createPayment(request) },
    { method: 'GET', path: /^\/v3\/payments$/, answer: (_request, _id, url) => this.listPayments(url) },
    { method: 'GET', path: /^\/v3\/payments\/([^/]+)$/, answer: (_, id) => this.showPayment(id) },
    { method: 'POST', path: /^\/v3\/refunds$/, answer: (request) => this.createRefund(request) },
    { method: 'GET', path: /^\/v3\/refunds$/, answer: (_request, _id, url) => this.listRefunds(url) },
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
    private readonly options: RoutesOptions,
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

  /** What the shop is told of a fact. A payment that was answered as final is no news there: null. */
  newsOf(fact: LedgerFact): object | null {
    switch (fact.fact) {
      case 'payment_created':
        return null;
      case 'payment_captured':
      case 'payment_canceled': {
        const payment = this.payments.getPayment(fact.payment_id);
        return notificationObject(`payment.${payment.status}`, this.objectOf(payment));
      }
      case 'refund_succeeded':
        return notificationObject('refund.succeeded', refundObject(this.payments.getRefund(fact.id)));
    }
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

  private listPayments(url: URL): Reply {
    const query = readListQuery(url.searchParams);
    if (query.payment_id !== undefined) throw invalidRequest('payment_id: is for refunds', 'payment_id');
    const { items, next } = this.payments.pageOfPayments(query);
    return json(
      200,
      listObject(
        items.map((payment) => this.objectOf(payment)),
        next,
      ),
    );
  }

  private listRefunds(url: URL): Reply {
    const { items, next } = this.payments.pageOfRefunds(readListQuery(url.searchParams));
    return json(200, listObject(items.map(refundObject), next));
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
    return json(200, this.objectOf(payment));
  }

  private objectOf(payment: Payment): object {
    return paymentObject(payment, this.options.shopId, this.siteUrl);
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

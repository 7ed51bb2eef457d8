import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { invalid, StripeSaysNo, serverError } from './stripe-errors.js';
import { type Form, readForm } from './stripe-form.js';
import { type IntentObject, StripeLedger } from './stripe-ledger.js';

export const SECRET_KEY = 'sk_test_51abcDEF';

interface Saved {
  /** The address and the parameters that the key was first used with. */
  request: string;
  status: number;
  body: string;
}

export interface Received {
  /** e.g. `POST /v1/payment_intents`. */
  line: string;
  text: string;
  headers: IncomingMessage['headers'];
}

interface Reply {
  status: number;
  body: string;
  isReplayed?: boolean;
}

/**
 * A server that speaks Stripe's protocol as its documentation describes it: forms in, JSON out, and idempotency keys under
 * which every answer is kept and repeated, faults included, unless the request was invalid from the start.
 */
export class StripeServer {
  readonly ledger = new StripeLedger((id) => `${this.url}/page/${id}`);
  /** Every request to the API as it came in. */
  readonly received: Received[] = [];
  /** Tests set it: this request does what it should, and then fails, and so does every repetition of it. */
  failsAfter: ((path: string) => boolean) | null = null;
  /** Tests set it: everything is done as it should, and nobody is told. */
  isSilent = false;
  /** Tests set it: nothing is created any more, under whatever key. */
  refusesAll = false;
  /** What the search has not seen yet. */
  isSearchBehind = false;
  private readonly keys = new Map<string, Saved | 'in progress'>();
  private readonly server: Server = createServer((request, response) => void this.serve(request, response));
  private port = 0;

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.port = (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Occupies a key, as a request that is still under way does. */
  occupy(key: string): void {
    this.keys.set(key, 'in progress');
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = Buffer.concat((await request.toArray()) as Buffer[]).toString();
    const url = new URL(request.url ?? '', this.url);
    if (url.pathname.startsWith('/page/')) {
      const decision = new URLSearchParams(text).get('decision') as 'approve' | 'decline';
      this.ledger.decide(url.pathname.slice('/page/'.length), decision);
      response.writeHead(303, { location: 'https://shop.example/thanks' }).end();
      return;
    }
    this.received.push({ line: `${request.method} ${url.pathname}`, text, headers: request.headers });
    const { status, body, isReplayed } = this.answer(request, url, text);
    if (this.isSilent) {
      response.destroy();
      return;
    }
    response
      .writeHead(status, {
        'content-type': 'application/json',
        'request-id': 'req_1',
        ...(isReplayed && { 'idempotent-replayed': 'true' }),
      })
      .end(body);
  }

  private answer(request: IncomingMessage, url: URL, text: string): Reply {
    try {
      if (request.headers.authorization !== `Bearer ${SECRET_KEY}`) {
        throw new StripeSaysNo(401, {
          type: 'invalid_request_error',
          message: `Invalid API Key provided: ${request.headers.authorization}`,
        });
      }
      if (request.method === 'GET') return ok(this.read(url));
      if (!/^application\/x-www-form-urlencoded/.test(request.headers['content-type'] ?? '')) {
        throw invalid('Send a form');
      }
      return this.once(String(request.headers['idempotency-key'] ?? ''), url.pathname, text);
    } catch (error) {
      if (error instanceof StripeSaysNo) return refusal(error);
      throw error;
    }
  }

  /** Carries a request out once per key. Results are kept once it was begun; a refusal that comes before leaves the key free. */
  private once(key: string, path: string, text: string): Reply {
    if (this.refusesAll) throw invalid('This PaymentMethod was used before');
    const request = `${path}?${text}`;
    const saved = this.keys.get(key);
    if (saved === 'in progress') {
      const message = 'There is currently another in-progress request using this Idempotent Key';
      throw new StripeSaysNo(409, { type: 'idempotency_error', code: 'idempotency_key_in_use', message });
    }
    if (saved !== undefined) {
      if (saved.request !== request) {
        const message = 'Keys for idempotent requests can only be used with the same parameters';
        throw new StripeSaysNo(400, { type: 'idempotency_error', message });
      }
      return { ...saved, isReplayed: true };
    }
    const reply = this.carryOut(path, readForm(text));
    if (key !== '' && reply.isBegun) this.keys.set(key, { request, ...reply });
    return reply;
  }

  private carryOut(path: string, form: Form): Reply & { isBegun: boolean } {
    const before = this.ledger.facts.length;
    let reply: Reply;
    try {
      reply = ok(this.write(path, form));
    } catch (error) {
      if (!(error instanceof StripeSaysNo)) throw error;
      reply = refusal(error);
    }
    if (this.failsAfter?.(path)) reply = refusal(serverError());
    return { ...reply, isBegun: reply.status < 400 || this.ledger.facts.length > before };
  }

  private write(path: string, form: Form): object {
    const [, cancelled] = /^\/v1\/payment_intents\/(\w+)\/cancel$/.exec(path) ?? [];
    if (cancelled !== undefined) return this.ledger.cancel(cancelled, form);
    if (path === '/v1/payment_intents') return this.ledger.create(form);
    if (path === '/v1/refunds') return this.ledger.refund(form);
    throw new StripeSaysNo(404, {
      type: 'invalid_request_error',
      message: `Unrecognized request URL (${path})`,
    });
  }

  private read({ pathname, searchParams }: URL): object {
    const query = readForm(searchParams.toString());
    if (pathname === '/v1/payment_intents/search') return this.search(String(query.query));
    if (pathname === '/v1/payment_intents') return page(this.ledger.allIntents(), query);
    if (pathname === '/v1/refunds') {
      const id = query.payment_intent;
      const refunds = this.ledger.allRefunds();
      return page(id === undefined ? refunds : refunds.filter((each) => each.payment_intent === id), query);
    }
    const [, kind, id = ''] = /^\/v1\/(payment_intents|refunds)\/(\w+)$/.exec(pathname) ?? [];
    if (kind === 'payment_intents') return this.ledger.intent(id);
    if (kind === 'refunds') return this.ledger.oneRefund(id);
    throw new StripeSaysNo(404, { type: 'invalid_request_error', message: 'Unrecognized request URL' });
  }

  private search(query: string): object {
    const [, name = '', value] = /^metadata\['(\w+)'\]:'([^']*)'$/.exec(query) ?? [];
    const isFound = ({ metadata }: IntentObject) => metadata[name] === value;
    const data = this.isSearchBehind ? [] : this.ledger.allIntents().filter(isFound);
    return {
      object: 'search_result',
      data,
      has_more: false,
      next_page: null,
      url: '/v1/payment_intents/search',
    };
  }
}

/** Newest first, after the one that is named, in pages of ten unless `limit` says otherwise. */
function page(all: { id: string; created: number }[], query: Form): object {
  const since = Number((query.created as Form | undefined)?.gte ?? 0);
  const limit = Number(query.limit ?? 10);
  const start =
    query.starting_after === undefined ? 0 : all.findIndex(({ id }) => id === query.starting_after) + 1;
  const rest = all.slice(start).filter(({ created }) => created >= since);
  return { object: 'list', data: rest.slice(0, limit), has_more: rest.length > limit, url: '/v1/list' };
}

function ok(object: object): Reply {
  return { status: 200, body: JSON.stringify(object) };
}

function refusal({ status, error }: StripeSaysNo): Reply {
  return { status, body: JSON.stringify({ error }) };
}

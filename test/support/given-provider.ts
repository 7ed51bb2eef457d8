import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type GivenSandbox, givenSandbox } from './given-shop.js';

/** One request that came to the provider. */
export interface Asked {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** How the provider answers: as the sandbox does, or badly; after it has done what was asked, or without having done it. */
export type Mood = (
  asked: Asked,
  forward: (asked?: Asked) => Promise<Response>,
  response: ServerResponse,
) => Promise<void>;

export const fine: Mood = async (_, forward, response) => {
  const answer = await forward();
  response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
};

export const says =
  (status: number, body: string): Mood =>
  async (_asked, _forward, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  };

export const dropsTheConnection: Mood = async (_asked, _forward, response) => {
  response.destroy();
};

/** The money has moved, and nobody was told. */
export const actsAndDropsTheConnection: Mood = async (_, forward, response) => {
  await forward();
  response.destroy();
};

/** The money has moved, and this is all that is said. */
export const actsAndSays =
  (status: number, body: string): Mood =>
  async (_, forward, response) => {
    await forward();
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  };

/** The money has moved, and nobody says a word. */
export const actsAndHangs: Mood = async (_, forward) => {
  await forward();
};

/** The ways in which a provider does what it was asked, and nobody hears of it. */
export const UNHEARD: [string, Mood][] = [
  ['hangs', actsAndHangs],
  ['answers 500', actsAndSays(500, '{"type":"error","id":"1","code":"internal_server_error"}')],
  ['drops the connection', actsAndDropsTheConnection],
];

/** A provider that answers so where its list of payments should be, and is well otherwise. */
export const listsPaymentsWith =
  (list: Mood): Mood =>
  (asked, ...more) =>
    (/^\/v3\/payments(\?|$)/.test(asked.path) && asked.method === 'GET' ? list : fine)(asked, ...more);

/** Whatever is to move money is refused, with a 400 in YooKassa's own words; what is read is answered. */
export const refusesWith =
  (parameter: string, description: string): Mood =>
  (asked, forward, response) => {
    const error = { type: 'error', id: '1', code: 'invalid_request', parameter, description };
    return (asked.method === 'POST' ? says(400, JSON.stringify(error)) : fine)(asked, forward, response);
  };

/** A provider to which every key is new, as after its time: it does once more whatever it is asked once more. */
export const hasForgottenKeys: Mood = (asked, forward, response) => {
  const headers = { ...asked.headers, 'idempotence-key': randomUUID() };
  return fine(asked, () => forward({ ...asked, headers }), response);
};

/** A definite no. */
export const refuses = refusesWith('amount', 'Not enough money for it');

/** The sandbox behind a door of which a test decides how it behaves. */
export class GivenProvider {
  mood: Mood = fine;
  asked: Asked[] = [];

  private constructor(
    private readonly sandbox: GivenSandbox,
    readonly settings: Record<string, string>,
    readonly close: () => Promise<void>,
  ) {}

  static async open(): Promise<GivenProvider> {
    const sandbox = await givenSandbox();
    const { YOOKASSA_API_URL, ...credentials } = sandbox.settings;
    const { origin } = new URL(YOOKASSA_API_URL as string);
    const server = createServer(async (request, response) => {
      const chunks = (await request.toArray()) as Buffer[];
      const { method = '', url = '', headers } = request;
      const call = { method, path: url, headers, body: Buffer.concat(chunks).toString() };
      provider.asked.push(call);
      await provider.mood(call, (asked = call) => forward(`${origin}${url}`, asked), response);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const settings = { ...credentials, YOOKASSA_API_URL: `http://127.0.0.1:${port}/v3` };
    const provider = new GivenProvider(sandbox, settings, async () => {
      server.closeAllConnections();
      server.close();
      await sandbox.close();
    });
    return provider;
  }

  /** Nothing was asked yet, and it is in its best mood. */
  reset(): void {
    this.mood = fine;
    this.asked = [];
  }

  /** What was asked to move money, to this address or to any. */
  posts(path = ''): Asked[] {
    return this.asked.filter((asked) => asked.method === 'POST' && asked.path.endsWith(path));
  }

  /** What the provider itself has on record. */
  ledger(orderId: string) {
    return this.sandbox.ledger(orderId);
  }

  /** How often it has charged for an order, and the amounts that it has taken and given back, in major units. */
  async moneyOf(orderId: string): Promise<{ captures: number; captured: number; refunded: number }> {
    const { captures, payments } = await this.sandbox.ledger(orderId);
    const sumOf = (member: 'captured' | 'refunded') =>
      payments.reduce((sum, payment) => sum + Number((payment[member] as { value: string }).value), 0);
    return { captures, captured: sumOf('captured'), refunded: sumOf('refunded') };
  }

  /** The customer presses a button on the confirmation page. */
  decide(confirmationUrl: string, decision: 'approve' | 'decline'): Promise<void> {
    return this.sandbox.decide(confirmationUrl, decision);
  }
}

function forward(url: string, { method, headers, body }: Asked): Promise<Response> {
  const { authorization = '', 'idempotence-key': key } = headers;
  return fetch(url, {
    method,
    headers: {
      authorization,
      'content-type': 'application/json',
      ...(key ? { 'idempotence-key': key as string } : {}),
    },
    body: method === 'POST' ? body : undefined,
  });
}

import { calling, templateOf } from '../../platform/observability/tracing.js';

const ANSWER_MAX_BYTES = 2 * 1024 * 1024;

/** The request got no answer that the SDK could make sense of. Its message names no address and no secret. */
export class StripeUnreachable extends Error {
  override readonly name = 'StripeUnreachable';

  constructor(
    message: string,
    /** Of what came back without being an answer. */
    readonly status: number | null = null,
  ) {
    super(message);
  }
}

/**
 * The `fetch` under the SDK. It reads the whole answer, in bounds, while the SDK's time limit still holds, and lets nothing
 * through but JSON objects: on any other JSON value the SDK breaks outside of its promise, and a 5xx without an error in it
 * passes there for a success.
 *
 * Through Node's own client the SDK sends again when a connection drops, whatever `maxNetworkRetries` says; errors that come
 * from here have no `code` for it to go by.
 */
export async function stripeFetch(address: string | URL | Request, init?: RequestInit): Promise<Response> {
  try {
    const url = address instanceof Request ? address.url : String(address);
    const response = await calling(init?.method ?? 'GET', url, templateOf(new URL(url).pathname), (trace) => {
      const headers = new Headers(init?.headers);
      for (const [name, value] of Object.entries(trace)) headers.set(name, value);
      // A redirect would carry the credentials to another place.
      return fetch(address, { ...init, headers, redirect: 'error' });
    });
    const { status, headers } = response;
    const body = await readAll(response);
    if (!isAnswer(body, response.ok))
      throw new StripeUnreachable(`${status} without an answer of Stripe`, status);
    return new Response(body, { status, headers });
  } catch (error) {
    if (error instanceof StripeUnreachable) throw error;
    if (init?.signal?.aborted) throw new StripeUnreachable('no answer in time');
    throw new StripeUnreachable(`the connection failed (${codeOf(error)})`);
  }
}

async function readAll(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > ANSWER_MAX_BYTES) throw new StripeUnreachable('an answer without end');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function isAnswer(body: string, isOk: boolean): boolean {
  try {
    const answer: unknown = JSON.parse(body);
    if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) return false;
    const { error = null } = answer as { error?: unknown };
    return isOk ? error === null : typeof error === 'object' && error !== null;
  } catch {
    return false;
  }
}

function codeOf(error: unknown): string {
  const { cause } = error as { cause?: { code?: unknown } };
  return typeof cause?.code === 'string' ? cause.code : 'no code';
}

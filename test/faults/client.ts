import { setTimeout as pause } from 'node:timers/promises';

const TIMEOUT_MS = 10_000;
const REPEAT_AFTER_MS = 200;
/** Whatever is broken in a test is mended by then. */
const PATIENCE_MS = 90_000;

export interface Answer {
  status: number;
  body: any;
}

export interface Call {
  method: 'GET' | 'POST' | 'DELETE';
  /** Below /api/v1. */
  path: string;
  body?: object;
  token?: string;
  /** Its Idempotency-Key. */
  key?: string;
  /** How long to wait for an answer. */
  timeoutMs?: number;
}

/** A web client that keeps to the contract, and notes where the service does not. */
export class Client {
  /** Definite answers so far. */
  answers = 0;
  /** Calls of which nobody can say what became of them. */
  unknown = 0;
  /** Answers 503, each with its Retry-After. */
  unavailable = 0;
  /** Answers that the contract does not know. */
  readonly breaches: string[] = [];

  constructor(readonly url: string) {}

  /** One call. Null: no answer, or one that only says "later". A time-out is that too, never a failure. */
  async try(call: Call): Promise<Answer | null> {
    let response: Response;
    let body: any;
    try {
      response = await fetch(`${this.url}/api/v1${call.path}`, requestOf(call));
      const text = await response.text();
      body = text === '' ? null : JSON.parse(text);
    } catch {
      this.unknown += 1;
      return null;
    }
    const { status } = response;
    const saysLater = status === 503 || (status === 409 && body?.code === 'idempotency_in_progress');
    if (status === 503) this.unavailable += 1;
    if (status >= 500 && status !== 503) this.note(call, status, body);
    if (saysLater && !(Number(response.headers.get('retry-after')) > 0)) this.note(call, status, body);
    if (saysLater || status >= 500) return null;
    this.answers += 1;
    return { status, body };
  }

  /** Repeats the very same call until there is a definite answer. */
  async insist(call: Call): Promise<Answer> {
    const deadline = Date.now() + PATIENCE_MS;
    while (Date.now() < deadline) {
      const answer = await this.try(call);
      if (answer) return answer;
      await pause(REPEAT_AFTER_MS);
    }
    throw new Error(`no definite answer to ${call.method} ${call.path} within ${PATIENCE_MS} ms`);
  }

  private note({ method, path }: Call, status: number, body: unknown): void {
    this.breaches.push(`${method} ${path} was answered ${status} ${JSON.stringify(body)}`);
  }
}

function requestOf({ method, body, token, key, timeoutMs }: Call): RequestInit {
  return {
    method,
    signal: AbortSignal.timeout(timeoutMs ?? TIMEOUT_MS),
    headers: {
      ...(body && { 'content-type': 'application/json' }),
      ...(token && { authorization: `Bearer ${token}` }),
      ...(key && { 'idempotency-key': key }),
    },
    body: body && JSON.stringify(body),
  };
}

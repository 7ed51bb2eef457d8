import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import axios, { type AxiosInstance, type AxiosRequestConfig } from 'axios';
import { calling, templateOf } from '../../platform/observability/tracing.js';
import { ListMissing, OutcomeUnknown } from './payment-gateway.js';
import { isNoList } from './provider-lists.js';
import { quoted } from './provider-words.js';
import { type ListAnswer, readErrorAnswer, readListAnswer } from './yookassa-answers.js';

export interface YookassaOptions {
  name: 'sandbox' | 'yookassa';
  /** Ends in /v3. */
  apiUrl: string;
  shopId: string;
  secretKey: string;
  /** For the whole of a call: connecting, sending, waiting, and reading the last byte, of every page where there are some. */
  timeoutMs: number;
}

export interface Answer {
  status: number;
  body: string;
}

const ANSWER_MAX_BYTES = 256 * 1024;
// A page holds a hundred objects of a few kilobytes each.
const PAGE_MAX_BYTES = 2 * 1024 * 1024;
const PAGE_SIZE = 100;
const PAGES_MAX = 200;

/**
 * The road to YooKassa: credentials, limits, and what it means when an answer is no answer.
 * Each call goes out once. What it throws is OutcomeUnknown, whose message holds no secret.
 */
export class YookassaHttp {
  private readonly http: AxiosInstance;

  constructor(private readonly options: YookassaOptions) {
    this.http = axios.create({
      baseURL: options.apiUrl,
      auth: { username: options.shopId, password: options.secretKey },
      httpAgent: new HttpAgent({ keepAlive: true }),
      httpsAgent: new HttpsAgent({ keepAlive: true }),
      // A redirect would carry the credentials to another place.
      maxRedirects: 0,
      maxContentLength: ANSWER_MAX_BYTES,
      // The body is judged together with its status, by the caller, and not by axios.
      validateStatus: () => true,
      responseType: 'text',
      transformResponse: (body: unknown) => body,
      // The sandbox is on this machine, where a proxy from the environment cannot reach it.
      ...(options.name === 'sandbox' && { proxy: false as const }),
    });
  }

  /** Creates what `data` asks for, once per key. */
  async post(what: string, url: string, key: string, data: object): Promise<Answer> {
    return this.ask(
      what,
      { method: 'POST', url, headers: { 'Idempotence-Key': key }, data },
      this.deadline(),
    );
  }

  async get(what: string, url: string): Promise<Answer> {
    return this.ask(what, { method: 'GET', url }, this.deadline());
  }

  /** Reads a list to its end, newest first, and keeps what `isWanted`. All pages together have the time of one call. */
  async list(
    what: string,
    url: string,
    params: object,
    isWanted: (item: ListAnswer['items'][number]) => boolean,
  ): Promise<ListAnswer['items']> {
    const deadline = this.deadline();
    const wanted: ListAnswer['items'] = [];
    let cursor: string | undefined;
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const asked = { ...params, limit: PAGE_SIZE, cursor };
      const request = { method: 'GET', url, params: asked, maxContentLength: PAGE_MAX_BYTES };
      const answer = await this.ask(what, request, deadline);
      const list = answer.status === 200 ? readListAnswer(answer.body) : null;
      // Nothing found means that it may be sent again: only a whole list can say so.
      if (list === null) {
        const why = answer.status === 200 ? 'a 200 without a list in it' : explain(answer);
        throw isNoList(answer.status) ? this.listMissing(what, why) : this.unknown(what, why);
      }
      wanted.push(...list.items.filter(isWanted));
      if (list.next_cursor === undefined) return wanted;
      cursor = list.next_cursor;
    }
    throw this.listMissing(what, `the list has more than ${PAGES_MAX} pages`);
  }

  unknown(what: string, why: string): OutcomeUnknown {
    return new OutcomeUnknown(`${this.options.name} gave no usable answer to ${what}: ${why}`);
  }

  listMissing(what: string, why: string): ListMissing {
    return new ListMissing(this.unknown(what, why).message);
  }

  /** The provider's words, without our key and without `token`. */
  quoted(words: string, token: string | null): string {
    return quoted(words, [this.options.secretKey, token]);
  }

  // Axios's own timeout restarts with every byte that trickles in; a signal does not.
  private deadline(): AbortSignal {
    return AbortSignal.timeout(this.options.timeoutMs);
  }

  private async ask(what: string, request: AxiosRequestConfig, signal: AbortSignal): Promise<Answer> {
    try {
      const { method = 'GET', url = '' } = request;
      const response = await calling(method, this.options.apiUrl, templateOf(url), (trace) =>
        this.http.request<unknown>({ ...request, headers: { ...request.headers, ...trace }, signal }),
      );
      return { status: response.status, body: typeof response.data === 'string' ? response.data : '' };
    } catch (error) {
      if (signal.aborted) throw this.unknown(what, `no answer within ${this.options.timeoutMs} ms`);
      // The error itself stays here: it carries the request, and with it the credentials and the token.
      const code = axios.isAxiosError(error) ? error.code : undefined;
      throw this.unknown(what, `the connection failed (${code ?? 'no code'})`);
    }
  }
}

/** Why an answer that is neither 200 nor a definite refusal decides nothing. */
export function explain({ status, body }: Answer): string {
  const code = readErrorAnswer(body)?.code;
  const said = code === undefined ? `${status}` : `${status} ${code}`;
  if (status === 202) return '202, it is still working on the request';
  if (status === 401 || status === 403) {
    return `${said}: check YOOKASSA_SHOP_ID and YOOKASSA_SECRET_KEY and what the shop may do`;
  }
  if (status === 404) return `${said}: check YOOKASSA_API_URL`;
  return said;
}

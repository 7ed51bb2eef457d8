import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Injectable } from '@nestjs/common';
import axios, { type AxiosInstance } from 'axios';
import { Webhook } from 'standardwebhooks';
import { Config } from '../platform/config/config.js';
import { calling } from '../platform/observability/tracing.js';
import { assertMayBePublic, publicLookup } from './public-addresses.js';
import type { Attempt } from './webhook.types.js';

const ERROR_MAX_CHARACTERS = 500;

export interface Letter {
  url: string;
  secret: string;
  event_id: string;
  body: string;
}

/** Posts signed events to addresses that admins have named: in production to places on the public internet only, unless told otherwise. */
@Injectable()
export class WebhookSender {
  /** For all of an attempt: looking up, connecting, sending, and waiting for the answer. */
  readonly timeoutMs: number = 10_000;
  private readonly allowPrivate: boolean;
  private readonly http: AxiosInstance;

  constructor(config: Config) {
    this.allowPrivate = config.allowsPrivateWebhooks;
    const lookup = this.allowPrivate ? undefined : publicLookup();
    this.http = axios.create({
      httpAgent: new HttpAgent({ lookup }),
      httpsAgent: new HttpsAgent({ lookup }),
      // A proxy would look the name up itself, behind our back.
      proxy: false,
      // A redirect would lead past what has been checked, and is no sign that the event was taken.
      maxRedirects: 0,
      decompress: false,
      // The status says everything: of the body nothing is read, however long it is.
      responseType: 'stream',
      validateStatus: () => true,
      headers: { 'Content-Type': 'application/json', 'User-Agent': 'Holdfast-Webhooks/1' },
    });
  }

  /** @throws AddressRefused when the address can be seen not to be public, and only such ones may be sent to. */
  assertAllowed(url: string): void {
    if (!this.allowPrivate) assertMayBePublic(new URL(url));
  }

  /** One attempt; never throws. Not inside a transaction: it may take ten seconds. */
  async post({ url, secret, event_id, body }: Letter): Promise<Attempt> {
    try {
      // A name is checked when it is looked up; an address in place of a name is not looked up.
      this.assertAllowed(url);
      const now = new Date();
      // Of the address nobody sees more than where it is: many carry a secret in their path.
      const response = await calling('POST', new URL(url).origin, null, (trace) =>
        this.http.post(url, Buffer.from(body), {
          signal: AbortSignal.timeout(this.timeoutMs),
          headers: {
            ...trace,
            'webhook-id': event_id,
            'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
            'webhook-signature': new Webhook(secret).sign(event_id, now, body),
          },
        }),
      );
      response.data.destroy();
      const { status } = response;
      const taken = status >= 200 && status < 300;
      return { response_status: status, error: taken ? null : `answered ${status}` };
    } catch (error) {
      return { response_status: null, error: this.sentenceOf(error) };
    }
  }

  private sentenceOf(error: unknown): string {
    if (axios.isCancel(error)) return `no answer within ${this.timeoutMs / 1_000} s`;
    const { message, code, cause } = error as Error & { code?: string };
    const said = message || (cause as Error | undefined)?.message || code || 'cannot be reached';
    return said.replace(/\p{Cc}/gu, ' ').slice(0, ERROR_MAX_CHARACTERS);
  }
}

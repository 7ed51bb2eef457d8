import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import axios, { type AxiosInstance, type AxiosRequestConfig } from 'axios';
import { type Charge, ChargeOutcomeUnknown, type ChargeRequest, PaymentGateway } from './payment-gateway.js';
import { toMinorUnits } from './yookassa-amount.js';
import { declineReason } from './yookassa-decline-reasons.js';
import { type PaymentAnswer, paymentBody, readErrorAnswer, readPaymentAnswer } from './yookassa-protocol.js';

export interface YookassaGatewayOptions {
  name: 'sandbox' | 'yookassa';
  /** Ends in /v3. */
  apiUrl: string;
  shopId: string;
  secretKey: string;
  /** For the whole of a request: connecting, sending, waiting, and reading the last byte. */
  timeoutMs: number;
}

interface Answer {
  status: number;
  body: string;
}

const ANSWER_MAX_BYTES = 256 * 1024;
const REASON_MAX_CHARACTERS = 300;

/**
 * Charges through the YooKassa v3 protocol: YooKassa itself, or the bundled sandbox.
 *
 * A charge counts as failed only where YooKassa says so in its own words. Whatever else comes back, or nothing, is
 * ChargeOutcomeUnknown, whose message never holds the secret key or the customer's token.
 */
export class YookassaGateway extends PaymentGateway {
  override readonly name: string;
  private readonly http: AxiosInstance;

  constructor(private readonly options: YookassaGatewayOptions) {
    super();
    this.name = options.name;
    this.http = axios.create({
      baseURL: options.apiUrl,
      auth: { username: options.shopId, password: options.secretKey },
      httpAgent: new HttpAgent({ keepAlive: true }),
      httpsAgent: new HttpsAgent({ keepAlive: true }),
      // A redirect would carry the credentials to another place.
      maxRedirects: 0,
      maxContentLength: ANSWER_MAX_BYTES,
      // The body is judged together with its status, here, and not by axios.
      validateStatus: () => true,
      responseType: 'text',
      transformResponse: (body: unknown) => body,
      // The sandbox is on this machine, where a proxy from the environment cannot reach it.
      ...(options.name === 'sandbox' && { proxy: false as const }),
    });
  }

  override async charge(request: ChargeRequest): Promise<Charge> {
    const answer = await this.ask('charge', {
      method: 'POST',
      url: '/payments',
      headers: { 'Idempotence-Key': request.idempotency_key },
      data: paymentBody(request, this.name === 'yookassa'),
    });
    if (answer.status === 400) return this.refused(answer, request);
    const payment = this.readPayment('charge', answer);
    const difference = differenceBetween(payment, request);
    if (difference !== null) throw this.unknown('charge', `the answer names another ${difference}`);
    return this.toCharge('charge', payment);
  }

  override async find(providerPaymentId: string): Promise<Charge | null> {
    // YooKassa issues nothing else; and an id such as `..` would ask for another address.
    if (!/^[\w-]{1,64}$/.test(providerPaymentId)) return null;
    const answer = await this.ask('find', { method: 'GET', url: `/payments/${providerPaymentId}` });
    // Only YooKassa's own word: the 404 of a mistyped address must not make a charge disappear.
    if (answer.status === 404 && readErrorAnswer(answer.body)?.code === 'not_found') return null;
    const payment = this.readPayment('find', answer);
    if (payment.id !== providerPaymentId) throw this.unknown('find', 'the answer names another payment');
    return this.toCharge('find', payment);
  }

  private async ask(what: string, request: AxiosRequestConfig): Promise<Answer> {
    // Axios's own timeout restarts with every byte that trickles in; the signal does not.
    const signal = AbortSignal.timeout(this.options.timeoutMs);
    try {
      const response = await this.http.request<unknown>({ ...request, signal });
      return { status: response.status, body: typeof response.data === 'string' ? response.data : '' };
    } catch (error) {
      if (signal.aborted) throw this.unknown(what, `no answer within ${this.options.timeoutMs} ms`);
      // The error itself stays here: it carries the request, and with it the credentials and the token.
      const code = axios.isAxiosError(error) ? error.code : undefined;
      throw this.unknown(what, `the connection failed (${code ?? 'no code'})`);
    }
  }

  /** A 400 to a charge: a definite refusal, unless it is about the key. */
  private refused(answer: Answer, request: ChargeRequest): Charge {
    const error = readErrorAnswer(answer.body);
    if (error?.code !== 'invalid_request') throw this.unknown('charge', 'a 400 that is not invalid_request');
    // "Idempotence key duplicated": the key stands for an earlier request with another body, which went through.
    if (/idempoten/i.test(`${error.parameter} ${error.description}`)) {
      throw this.unknown('charge', 'the idempotence key was used with another body before');
    }
    const description = error.description || 'The payment provider refused the request.';
    return {
      status: 'failed',
      provider_payment_id: null,
      failure_code: 'invalid_request',
      failure_reason: this.withoutSecrets(description, request).slice(0, REASON_MAX_CHARACTERS),
    };
  }

  private readPayment(what: string, answer: Answer): PaymentAnswer {
    if (answer.status !== 200) throw this.unknown(what, explain(answer));
    const payment = readPaymentAnswer(answer.body);
    if (payment === null) throw this.unknown(what, 'a 200 without a complete payment in it');
    return payment;
  }

  private toCharge(what: string, payment: PaymentAnswer): Charge {
    const provider_payment_id = payment.id;
    switch (payment.status) {
      case 'succeeded':
        if (!payment.paid) throw this.unknown(what, 'a payment that is succeeded and not paid');
        return { status: 'succeeded', provider_payment_id };
      case 'canceled': {
        const failure_code = payment.cancellation_details?.reason ?? 'canceled';
        const failure_reason = declineReason(failure_code);
        return { status: 'failed', provider_payment_id, failure_code, failure_reason };
      }
      // Charges are captured at once, so waiting for it is the provider's own step on the way.
      case 'waiting_for_capture':
      case 'pending': {
        const confirmation_url = payment.confirmation?.confirmation_url ?? null;
        return { status: 'pending', provider_payment_id, confirmation_url };
      }
    }
  }

  private unknown(what: string, why: string): ChargeOutcomeUnknown {
    return new ChargeOutcomeUnknown(`${this.name} gave no usable answer to ${what}: ${why}`);
  }

  private withoutSecrets(text: string, request: ChargeRequest): string {
    let clean = text;
    for (const secret of [this.options.secretKey, request.payment_token]) {
      if (secret) clean = clean.replaceAll(secret, '[redacted]');
    }
    return clean;
  }
}

/** What the provider's payment says otherwise than the request it should answer; null when nothing. */
function differenceBetween(payment: PaymentAnswer, request: ChargeRequest): string | null {
  if (payment.amount.currency !== request.currency) return 'currency';
  if (toMinorUnits(payment.amount) !== request.amount_minor) return 'amount';
  return payment.metadata?.order_id === request.order_id ? null : 'order';
}

/** Why an answer that is neither 200 nor a definite refusal decides nothing. */
function explain({ status, body }: Answer): string {
  const code = readErrorAnswer(body)?.code;
  const said = code === undefined ? `${status}` : `${status} ${code}`;
  if (status === 202) return '202, it is still working on the request';
  if (status === 401 || status === 403) {
    return `${said}: check YOOKASSA_SHOP_ID and YOOKASSA_SECRET_KEY and what the shop may do`;
  }
  if (status === 404) return `${said}: check YOOKASSA_API_URL`;
  return said;
}

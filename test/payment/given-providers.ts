import type { PaymentGateway } from '../../src/payment/gateway/payment-gateway.js';
import { StripeGateway } from '../../src/payment/gateway/stripe.gateway.js';
import { YookassaGateway } from '../../src/payment/gateway/yookassa.gateway.js';
import { toMinorUnits } from '../../src/payment/gateway/yookassa-amount.js';
import { FaultyRoad } from './faulty-road.js';
import { credentials, SandboxFixture, Shop } from './given-sandbox.js';
import { SECRET_KEY, StripeServer } from './stripe/stripe-server.js';

/** A provider with its adapter, and a road between them that can fail. */
export interface GivenProvider {
  road: FaultyRoad;
  tokens: { succeeds: string; declines: string; asks: string };
  secrets: string[];
  start(): Promise<void>;
  stop(): Promise<void>;
  /** An adapter in the shop's hands; `credential` in place of the right secret key. */
  gateway(timeoutMs?: number, credential?: string): PaymentGateway;
  /** The customer answers on the page that a pending charge leads to. */
  decide(confirmationUrl: string | null, decision: 'approve' | 'decline'): Promise<void>;
  /** From the provider's own books. */
  captures(orderId: string): Promise<number>;
  refundedMinor(paymentId: string): Promise<number>;
}

const TIMEOUT_MS = 5_000;

abstract class Provider {
  readonly road = new FaultyRoad();
  protected origin = '';

  async decide(confirmationUrl: string | null, decision: 'approve' | 'decline'): Promise<void> {
    const body = new URLSearchParams({ decision });
    await fetch(confirmationUrl as string, { method: 'POST', body, redirect: 'manual' });
  }
}

/** The adapter for YooKassa's protocol, under either of its names, with the bundled gateway. */
export class YookassaProvider extends Provider implements GivenProvider {
  readonly tokens = { succeeds: 'tok_success', declines: 'tok_declined', asks: 'tok_pending' };
  readonly secrets = [credentials.secretKey, btoa(`${credentials.shopId}:${credentials.secretKey}`)];
  private readonly sandbox = new SandboxFixture();
  private url = '';

  constructor(private readonly name: 'sandbox' | 'yookassa') {
    super();
  }

  async start(): Promise<void> {
    await this.sandbox.prepare();
    this.url = (await this.sandbox.start()).url;
    this.origin = await this.road.open(this.url);
  }

  async stop(): Promise<void> {
    await this.road.close();
    await this.sandbox.cleanUp();
  }

  gateway(timeoutMs = TIMEOUT_MS, secretKey = credentials.secretKey): PaymentGateway {
    const { name, origin } = this;
    return new YookassaGateway({ name, apiUrl: `${origin}/v3`, ...credentials, secretKey, timeoutMs });
  }

  async captures(orderId: string): Promise<number> {
    return (await new Shop(this.url).ledger(orderId)).captures;
  }

  async refundedMinor(paymentId: string): Promise<number> {
    const { body } = await new Shop(this.url).get<any>(`/v3/payments/${paymentId}`);
    return toMinorUnits(body.refunded_amount) ?? Number.NaN;
  }
}

/** The adapter for Stripe with Stripe's own SDK, and a server that speaks Stripe's protocol. */
export class StripeProvider extends Provider implements GivenProvider {
  readonly tokens = {
    succeeds: 'pm_card_visa',
    declines: 'pm_card_chargeDeclined',
    asks: 'pm_card_threeDSecure2Required',
  };
  readonly webhookSecret = 'whsec_only_for_tests';
  readonly secrets = [SECRET_KEY, this.webhookSecret];
  server = new StripeServer();

  async start(): Promise<void> {
    this.server = new StripeServer();
    await this.server.start();
    this.origin = await this.road.open(this.server.url);
  }

  async stop(): Promise<void> {
    await this.road.close();
    await this.server.stop();
  }

  gateway(timeoutMs = TIMEOUT_MS, secretKey = SECRET_KEY): PaymentGateway {
    const { origin: apiUrl, webhookSecret } = this;
    return new StripeGateway({ apiUrl, secretKey, webhookSecret, timeoutMs });
  }

  async captures(orderId: string): Promise<number> {
    return this.server.ledger.captures(orderId);
  }

  async refundedMinor(paymentId: string): Promise<number> {
    return this.server.ledger.refundedOf(paymentId);
  }
}

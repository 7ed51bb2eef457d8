import { type Config, ConfigInvalid } from '../../platform/config/config.js';
import type { PaymentGateway } from './payment-gateway.js';
import { whyNotInStripe } from './stripe-amount.js';
import { YookassaGateway } from './yookassa.gateway.js';

type Watched = (gateway: PaymentGateway) => PaymentGateway;

/** The payment providers that are configured. */
export class PaymentGateways {
  private constructor(
    /** The provider that `PAYMENT_PROVIDER` names: all new charges go there. */
    readonly current: PaymentGateway,
    private readonly all: PaymentGateway[],
  ) {}

  /**
   * `watched` sees every gateway that is made, and may stand in front of it.
   * @throws ConfigInvalid when the provider cannot charge the store's currency exactly.
   */
  static async of(config: Config, watched: Watched): Promise<PaymentGateways> {
    const all = (await configured(config)).map(watched);
    const current = all.find(({ name }) => name === config.env.PAYMENT_PROVIDER);
    if (current === undefined) throw new Error(`${config.env.PAYMENT_PROVIDER} is not configured`);
    return new PaymentGateways(current, all);
  }

  /**
   * The provider of this name, so that what an earlier configuration has begun can still be asked about and given back.
   * @returns null when its credentials are not there.
   */
  find(name: string): PaymentGateway | null {
    return this.all.find((gateway) => gateway.name === name) ?? null;
  }
}

async function configured(config: Config): Promise<PaymentGateway[]> {
  const { env, paymentApiUrl: apiUrl } = config;
  const { YOOKASSA_SHOP_ID: shopId, YOOKASSA_SECRET_KEY: secretKey, PAYMENT_TIMEOUT_MS: timeoutMs } = env;
  const all: PaymentGateway[] = [];
  // The sandbox speaks YooKassa's protocol and is set up by the same variables, so there is only one of the two.
  const name = env.PAYMENT_PROVIDER === 'sandbox' ? 'sandbox' : 'yookassa';
  if (name === 'sandbox' || (shopId && secretKey)) {
    const credentials = { shopId: shopId ?? '', secretKey: secretKey ?? '' };
    all.push(new YookassaGateway({ name, apiUrl, ...credentials, timeoutMs }));
  }
  if (env.STRIPE_SECRET_KEY) all.push(await stripeOf(config, env.STRIPE_SECRET_KEY));
  return all;
}

async function stripeOf({ env, stripeApiUrl: apiUrl }: Config, secretKey: string): Promise<PaymentGateway> {
  const why = env.PAYMENT_PROVIDER === 'stripe' ? whyNotInStripe(env.CURRENCY) : null;
  if (why !== null) {
    const { CURRENCY } = env;
    throw new ConfigInvalid(
      `The configuration is wrong: CURRENCY ${CURRENCY} cannot be charged with PAYMENT_PROVIDER=stripe; ${why}.`,
    );
  }
  // Its SDK takes some 35 MB, which only those pay who use it.
  const { StripeGateway } = await import('./stripe.gateway.js');
  // Without the second secret no notification is authentic; charges can still be read back.
  const webhookSecret = env.STRIPE_WEBHOOK_SECRET ?? '';
  return new StripeGateway({ secretKey, webhookSecret, apiUrl, timeoutMs: env.PAYMENT_TIMEOUT_MS });
}

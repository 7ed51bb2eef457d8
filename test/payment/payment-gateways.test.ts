import { PaymentGateways } from '../../src/payment/gateway/payment-gateways.js';
import { ConfigInvalid, loadConfig } from '../../src/platform/config/config.js';

const yookassa = { YOOKASSA_SHOP_ID: 'shop-1', YOOKASSA_SECRET_KEY: 'live_1' };
const stripe = { STRIPE_SECRET_KEY: 'sk_test_1', STRIPE_WEBHOOK_SECRET: 'whsec_1' };

const given = (env: NodeJS.ProcessEnv) => PaymentGateways.of(loadConfig(env), (gateway) => gateway);
const known = (gateways: PaymentGateways) =>
  ['sandbox', 'yookassa', 'stripe', 'paypal'].filter((name) => gateways.find(name) !== null);

describe('the payment gateways', () => {
  it.each([
    [{}, 'sandbox', ['sandbox']],
    [{ PAYMENT_PROVIDER: 'yookassa', ...yookassa }, 'yookassa', ['yookassa']],
    [{ PAYMENT_PROVIDER: 'stripe', ...stripe }, 'stripe', ['stripe']],
    // The settings of the earlier provider are still there: what it has begun can be asked about.
    [{ PAYMENT_PROVIDER: 'stripe', ...stripe, ...yookassa }, 'stripe', ['yookassa', 'stripe']],
    [{ PAYMENT_PROVIDER: 'yookassa', ...stripe, ...yookassa }, 'yookassa', ['yookassa', 'stripe']],
    [{ PAYMENT_PROVIDER: 'sandbox', ...stripe, ...yookassa }, 'sandbox', ['sandbox', 'stripe']],
    [{ PAYMENT_PROVIDER: 'stripe', ...stripe, YOOKASSA_SHOP_ID: 'shop-1' }, 'stripe', ['stripe']],
  ])('of %j charge with %s and know %j', async (env, current, names) => {
    const gateways = await given(env);
    expect(gateways.current.name).toBe(current);
    expect(gateways.find(current)).toBe(gateways.current);
    expect(known(gateways)).toEqual(names);
  });

  it('refuse a currency that Stripe cannot charge exactly, but only where Stripe charges', async () => {
    const refused = given({ PAYMENT_PROVIDER: 'stripe', ...stripe, CURRENCY: 'KWD' });
    await expect(refused).rejects.toBeInstanceOf(ConfigInvalid);
    await expect(refused).rejects.toThrow(
      'The configuration is wrong: CURRENCY KWD cannot be charged with PAYMENT_PROVIDER=stripe',
    );
    expect((await given({ ...stripe, CURRENCY: 'KWD' })).current.name).toBe('sandbox');
  });
});

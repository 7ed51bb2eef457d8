// Loaded before the service (`node --import preload.js dist/main.js`): it breaks things in a process that knows nothing of
// it, so that nothing for tests has to stand in what is run in production. A method that is gone stops the start.
import { randomUUID } from 'node:crypto';

/** Each point of a checkout, and of a refund: the class and its method, and whether the process dies before or after it. */
const POINTS = {
  'before the order is committed': [
    'order/placement/placement.transaction',
    'PlacementTransaction',
    'place',
    'after',
  ],
  'after the order is committed': ['order/placement/placement.service', 'PlacementService', 'place', 'after'],
  'before the charge': ['payment/gateway/yookassa.gateway', 'YookassaGateway', 'charge', 'before'],
  'after the charge': ['payment/gateway/yookassa.gateway', 'YookassaGateway', 'charge', 'after'],
  'before the settlement': ['checkout/settlement.service', 'SettlementService', 'settle', 'before'],
  'before the settlement is committed': ['payment/payment.service', 'PaymentService', 'settle', 'after'],
  'after the settlement': ['checkout/settlement.service', 'SettlementService', 'settle', 'after'],
  'before the answer': ['checkout/checkout.service', 'CheckoutService', 'checkout', 'after'],
  'before the money goes back': ['payment/gateway/yookassa.gateway', 'YookassaGateway', 'refund', 'before'],
  'after the money has gone back': ['payment/gateway/yookassa.gateway', 'YookassaGateway', 'refund', 'after'],
};

const { FAULT_CRASH_AT, FAULT_RANDOM_KEYS, FAULT_NO_RECOVERY } = process.env;

if (FAULT_CRASH_AT) {
  const [name, nth = '1'] = FAULT_CRASH_AT.split(':');
  const [file, className, method, when] = POINTS[name] ?? [];
  if (!file) throw new Error(`${name} is no crash point`);
  let calls = 0;
  await replace(file, className, method, async (original) => {
    calls += 1;
    const isIt = calls === Number(nth);
    if (isIt && when === 'before') await die();
    const result = await original();
    if (isIt && when === 'after') await die();
    return result;
  });
}

if (FAULT_RANDOM_KEYS) {
  for (const method of ['charge', 'refund'])
    await replace('payment/gateway/yookassa.gateway', 'YookassaGateway', method, (original, [request]) =>
      original({ ...request, idempotency_key: randomUUID() }),
    );
}

if (FAULT_NO_RECOVERY) {
  await replace('checkout/recovery.service', 'RecoveryService', 'onApplicationBootstrap', () => undefined);
}

/** `instead` gets the original, to be called with other arguments or with the same. */
async function replace(file, className, method, instead) {
  const { prototype } = (await import(`../../dist/${file}.js`))[className] ?? {};
  const original = prototype?.[method];
  if (typeof original !== 'function') throw new Error(`there is no ${className}.${method} any more`);
  prototype[method] = function (...args) {
    return instead((...others) => original.apply(this, others.length > 0 ? others : args), args);
  };
}

function die() {
  process.kill(process.pid, 'SIGKILL');
  // Nothing follows.
  return new Promise(() => undefined);
}

/** The shop as a few numbers: what must be true after each step, whatever was done before. Amounts in minor units. */
export interface Model {
  stocks: number[];
  /** How often the code can still be used. It takes a tenth off. */
  usesLeft: number;
  /** What each buyer has of points; below 0 when they owe some. */
  points: number[];
  orders: ModelOrder[];
}

/** What one point is worth. */
export const POINT_VALUE = 100;

export interface ModelOrder {
  buyer: number;
  product: number;
  quantity: number;
  withCode: boolean;
  redeemed: number;
  earned: number;
  total: number;
  status: 'pending' | 'paid' | 'shipped' | 'delivered' | 'expired' | 'cancelled';
  payment: 'unpaid' | 'failed' | 'paid';
  refunded: number;
  returned: number;
}

/** Every step that somebody may try; `order` counts from the first order of the run, and wraps around. */
export type Step =
  | Placing
  | { step: 'pay' | 'decline' | 'cancel' | 'expire' | 'ship' | 'deliver'; order: number }
  | { step: 'refund'; order: number; percent: number }
  | { step: 'return'; order: number; quantity: number; sellable: boolean };

export interface Placing {
  step: 'place';
  buyer: number;
  product: number;
  quantity: number;
  withCode: boolean;
  points: number | 'all';
}

/** What the shop must answer, and the model after it. Pure but for the model that it changes. */
export function take(model: Model, step: Step, price: (product: number) => number): number {
  if (step.step === 'place') return place(model, step, price(step.product));
  const order = orderOf(model, step.order);
  if (!order) return 0;
  switch (step.step) {
    case 'pay':
      return pay(model, order, 'paid');
    case 'decline':
      return pay(model, order, 'failed');
    case 'cancel':
      return cancel(model, order);
    case 'expire':
      if (order.status === 'pending') end(model, order, 'expired');
      return 0;
    case 'ship':
      return advance(order, 'paid', 'shipped', order.total === 0 || order.refunded < order.total);
    case 'deliver':
      return advance(order, 'shipped', 'delivered', true);
    case 'refund':
      return refund(model, order, amountOf(order, step.percent));
    case 'return':
      return takeBack(model, order, step.quantity, step.sellable);
  }
}

/** How many points are to be redeemed. */
export function offeredIn({ points }: Model, step: Placing): number {
  return step.points === 'all' ? Math.max(0, points[step.buyer] as number) : step.points;
}

export function orderOf({ orders }: Model, index: number): ModelOrder | undefined {
  return orders[index % Math.max(1, orders.length)];
}

/** At least one minor unit. */
export const amountOf = ({ total }: ModelOrder, percent: number): number =>
  Math.max(1, Math.floor((total * percent) / 100));

/** How the order's `payment_status` must read. */
export function paymentStatusOf({ payment, refunded, total }: ModelOrder): string {
  if (payment !== 'paid' || refunded === 0 || total === 0) return payment;
  return refunded === total ? 'refunded' : 'partially_refunded';
}

function place(model: Model, step: Placing, price: number): number {
  const stock = model.stocks[step.product] as number;
  if (step.quantity > stock) return 409;
  const points = model.points[step.buyer] as number;
  const offered = offeredIn(model, step);
  if ((step.withCode && model.usesLeft === 0) || offered > Math.max(0, points)) return 400;
  const items = price * step.quantity;
  const discounted = items - (step.withCode ? Math.round(items / 10) : 0);
  const redeemed = Math.min(offered, Math.floor(discounted / POINT_VALUE));
  model.stocks[step.product] = stock - step.quantity;
  model.usesLeft -= step.withCode ? 1 : 0;
  model.points[step.buyer] = points - redeemed;
  const order: ModelOrder = {
    buyer: step.buyer,
    product: step.product,
    quantity: step.quantity,
    withCode: step.withCode,
    redeemed,
    earned: 0,
    total: discounted - redeemed * POINT_VALUE,
    status: 'pending',
    payment: 'unpaid',
    refunded: 0,
    returned: 0,
  };
  model.orders.push(order);
  if (order.total === 0) settle(model, order);
  return 201;
}

// A point for each whole unit of money.
function settle(model: Model, order: ModelOrder): void {
  order.status = 'paid';
  order.payment = 'paid';
  order.earned = Math.floor(order.total / 100);
  model.points[order.buyer] = (model.points[order.buyer] as number) + order.earned;
}

// All of it, spent or not, and once.
function takeBackEarned(model: Model, order: ModelOrder): void {
  model.points[order.buyer] = (model.points[order.buyer] as number) - order.earned;
  order.earned = 0;
}

// One that is paid answers with its payment, unless it has come to nothing since.
function pay(model: Model, order: ModelOrder, outcome: 'paid' | 'failed'): number {
  if (order.status === 'expired' || order.status === 'cancelled') return 409;
  // Nothing was to be paid, so there is no payment to show.
  if (order.payment === 'paid') return order.total === 0 ? 409 : 200;
  if (outcome === 'paid') settle(model, order);
  else order.payment = 'failed';
  return 201;
}

function cancel(model: Model, order: ModelOrder): number {
  if (order.status === 'cancelled') return 200;
  if (order.status !== 'pending' && order.status !== 'paid') return 409;
  const wasPaid = order.payment === 'paid';
  if (wasPaid) order.refunded = order.total;
  end(model, order, 'cancelled');
  if (wasPaid) takeBackEarned(model, order);
  return 200;
}

function end(model: Model, order: ModelOrder, status: 'expired' | 'cancelled'): void {
  order.status = status;
  model.stocks[order.product] = (model.stocks[order.product] as number) + order.quantity;
  model.usesLeft += order.withCode ? 1 : 0;
  model.points[order.buyer] = (model.points[order.buyer] as number) + order.redeemed;
}

function advance(order: ModelOrder, from: string, to: 'shipped' | 'delivered', allowed: boolean): number {
  if (order.status !== from || !allowed) return 409;
  order.status = to;
  return 200;
}

function refund(model: Model, order: ModelOrder, amount: number): number {
  if (order.payment !== 'paid' || order.refunded + amount > order.total) return 409;
  order.refunded += amount;
  if (order.refunded === order.total) takeBackEarned(model, order);
  return 200;
}

function takeBack(model: Model, order: ModelOrder, quantity: number, sellable: boolean): number {
  if (order.status !== 'shipped' && order.status !== 'delivered') return 409;
  if (order.returned + quantity > order.quantity) return 409;
  order.returned += quantity;
  if (sellable) model.stocks[order.product] = (model.stocks[order.product] as number) + quantity;
  return 200;
}

import { shortId } from './texts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Orders of the shop have UUIDs; those of other systems are named as these like. */
export const isOrderOfShop = (orderId: string) => UUID.test(orderId);

/** More than that of another system's id is no longer read. */
const LENGTH_MAX = 24;

/** Enough of an order's id to tell it from others. */
export function orderText(orderId: string): string {
  if (isOrderOfShop(orderId)) return shortId(orderId);
  return orderId.length > LENGTH_MAX ? `${orderId.slice(0, 12)}${shortId(orderId)}` : orderId;
}

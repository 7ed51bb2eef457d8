import { shortId } from './texts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Orders of the shop have UUIDs; those of other systems are named as these like. */
export const isOrderOfShop = (orderId: string) => UUID.test(orderId);

/** Enough of an order's id to tell it from others. */
export const orderText = (orderId: string) => (isOrderOfShop(orderId) ? shortId(orderId) : orderId);

import { discounts } from './discounts';
import { movements } from './movements';
import { orders } from './orders';
import { products } from './products';
import type { AdminResource } from './registry';
import { storefronts } from './storefronts';
import { users } from './users';

/** Everything that the page shows, in the order of the menu: one line a resource (see README.md). */
export const RESOURCES: readonly AdminResource[] = [
  orders,
  users,
  discounts,
  products,
  storefronts,
  movements,
];

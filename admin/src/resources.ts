import { adminActions } from './admin-actions';
import { apiKeys } from './api-keys';
import { deadLetters } from './dead-letters';
import { discounts } from './discounts';
import { events } from './events';
import { movements } from './movements';
import { orders } from './orders';
import { products } from './products';
import type { AdminResource } from './registry';
import { reservations } from './reservations';
import { storefronts } from './storefronts';
import { users } from './users';
import { webhookEndpoints } from './webhook-endpoints';

/** Everything that the page shows, in the order of the menu: one line a resource (see README.md). */
export const RESOURCES: readonly AdminResource[] = [
  orders,
  reservations,
  users,
  discounts,
  products,
  storefronts,
  movements,
  deadLetters,
  events,
  webhookEndpoints,
  apiKeys,
  adminActions,
];

import { adminActions } from './admin-actions';
import { apiKeys } from './api-keys';
import { deadLetters } from './dead-letters';
import { events } from './events';
import { products } from './products';
import type { AdminResource } from './registry';
import { reservations } from './reservations';
import { storefronts } from './storefronts';
import { webhookEndpoints } from './webhook-endpoints';

/** Everything that the page shows, in the order of the menu: one line a resource (see README.md). */
export const RESOURCES: readonly AdminResource[] = [
  reservations,
  products,
  storefronts,
  deadLetters,
  events,
  webhookEndpoints,
  apiKeys,
  adminActions,
];

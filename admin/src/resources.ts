import { products } from './products';
import type { AdminResource } from './registry';
import { storefronts } from './storefronts';

/** Everything that the page shows, in the order of the menu: one line a resource (see README.md). */
export const RESOURCES: readonly AdminResource[] = [products, storefronts];

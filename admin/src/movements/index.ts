import type { AdminResource } from '../registry';

/** The ledger: every change of stock there ever was. Shown with its product. */
export const movements: AdminResource = {
  name: 'movements',
  api: { path: '/inventory/movements' },
};

import { wordsOf } from '../parts/texts';

export interface AdminAction {
  id: number;
  at: string;
  user_id: number | null;
  api_key_id: number | null;
  action: string;
  entity: string;
  entity_id: string;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
  request_id: string | null;
}

/** As the service tells them (src/trail/admin-action.types.ts). */
export const ENTITIES = [
  'product',
  'storefront',
  'order',
  'discount',
  'user',
  'api_key',
  'webhook_endpoint',
  'webhook_delivery',
  'dead_letter',
] as const;

/** Where a thing that was changed can be looked at, if it is still there. */
const PAGES: Record<string, (id: string) => string> = {
  product: (id) => `/products/${id}`,
  discount: (id) => `/discounts/${id}`,
  user: (id) => `/users/${id}`,
  storefront: (id) => `/storefronts/${id}`,
  order: (id) => `/orders/${id}/show`,
  webhook_endpoint: (id) => `/webhook-endpoints/${id}`,
  dead_letter: (id) => `/dead-letters/${id}/show`,
};

export const pageOf = ({ entity, entity_id }: AdminAction) => PAGES[entity]?.(entity_id);

/** What an entity is called. */
export const entityText = (entity: string) => (entity === 'api_key' ? 'API key' : wordsOf(entity));

/** Each member that is told, as it was and as it is. */
export function changesOf({ before, after }: AdminAction): { member: string; was: string; is: string }[] {
  const members = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  return members.map((member) => ({ member, was: textOf(before, member), is: textOf(after, member) }));
}

function textOf(state: Record<string, unknown> | null, member: string): string {
  if (!state || !(member in state)) return '–';
  const value = state[member];
  return typeof value === 'string' ? value : JSON.stringify(value);
}

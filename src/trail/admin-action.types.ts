/** What can be changed by hand. */
export type AdminEntity =
  | 'product'
  | 'storefront'
  | 'order'
  | 'discount'
  | 'user'
  | 'api_key'
  | 'webhook_endpoint'
  | 'webhook_delivery'
  | 'dead_letter';

/** One change, as whoever makes it tells of it. */
export interface NewAdminAction {
  /** `<entity>.<past tense>`, e.g. `product.changed`. */
  action: `${AdminEntity}.${string}`;
  entity: AdminEntity;
  entity_id: number | string;
  /** How it stood; null for what was not there. No secrets, neither here nor there, not even hashed. */
  before: object | null;
  /** How it stands now; null for what is gone. */
  after: object | null;
}

/** A row of `admin_actions`. Neither a user nor a key: the service itself, at its start. */
export interface AdminAction {
  id: number;
  at: Date;
  user_id: number | null;
  api_key_id: number | null;
  action: string;
  entity: string;
  entity_id: string;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
  request_id: string | null;
}

export interface AdminActionFilter {
  entity: string | null;
  entity_id: string | null;
  user_id: number | null;
  from: Date | null;
  to: Date | null;
}

import type { EventType } from '../event/event.types.js';

/** What an endpoint may be told of: some types of events, or all, also those that there will be. */
export type Subscription = EventType | '*';

export interface NewEndpoint {
  url: string;
  events: Subscription[];
  /** As Standard Webhooks writes it: `whsec_` and base64. */
  secret: string;
  active: boolean;
}

/** An endpoint as it is shown: without its secret. */
export interface Endpoint {
  id: number;
  url: string;
  events: Subscription[];
  active: boolean;
  created_at: Date;
  updated_at: Date;
}

export const DELIVERY_STATUSES = ['pending', 'delivered', 'failed'] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

export interface NewDelivery {
  id: string;
  endpoint_id: number;
  event_id: string;
  type: EventType;
  body: string;
}

/** One event on its way to one endpoint. */
export interface Delivery {
  id: string;
  endpoint_id: number;
  event_id: string;
  type: EventType;
  status: DeliveryStatus;
  /** Over all rounds. */
  attempts: number;
  /** Of the newest attempt; null when there was no answer. */
  response_status: number | null;
  error: string | null;
  created_at: Date;
  attempted_at: Date | null;
  delivered_at: Date | null;
}

/** What a job carries: a delivery, and the round of tries that it belongs to. */
export interface DeliveryJob {
  delivery_id: string;
  round: number;
}

/** What came of one attempt. */
export type Attempt = { response_status: number | null; error: string | null };

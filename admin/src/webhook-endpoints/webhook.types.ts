export interface Endpoint {
  id: number;
  url: string;
  events: string[];
  active: boolean;
  created_at: string;
  updated_at: string;
}

export const DELIVERY_STATUSES = ['pending', 'delivered', 'failed'] as const;

export interface Delivery {
  id: string;
  event_id: string;
  type: string;
  status: (typeof DELIVERY_STATUSES)[number];
  attempts: number;
  response_status: number | null;
  error: string | null;
  created_at: string;
  attempted_at: string | null;
  delivered_at: string | null;
}

/** What an endpoint is told of, in a few words. */
export function subscriptionsText(events: readonly string[]): string {
  if (events.includes('*')) return 'All events';
  return events.length > 3
    ? `${events.slice(0, 2).join(', ')} and ${events.length - 2} more`
    : events.join(', ');
}

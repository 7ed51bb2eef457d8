export const ORDER_STATUSES = [
  'pending',
  'paid',
  'shipped',
  'delivered',
  'failed',
  'expired',
  'cancelled',
] as const;

export type OrderStatus = (typeof ORDER_STATUSES)[number];

export interface OrderLine {
  product_id: number;
  sku: string;
  product_name: string;
  quantity: number;
  price: number;
  subtotal: number;
}

/** An order as the API shows it. Amounts in major units. */
export interface Order {
  id: string;
  user_id: number;
  status: OrderStatus;
  items: OrderLine[];
  items_price: number;
  discount_code: string | null;
  discount_price: number;
  redeemed_points: number;
  points_discount_price: number;
  shipping_price: number;
  total_price: number;
  currency: string;
  payment_method: string;
  payment_status: string;
  shipping_address: {
    name: string;
    lines: string[];
    city: string;
    postal_code: string;
    country: string;
    phone?: string;
  } | null;
  note: string | null;
  tracking_number: string | null;
  reservation: { id: string; status: string; expires_at: string } | null;
  history: { status: string; reason: string | null; at: string }[];
  created_at: string;
  updated_at: string;
}

export interface Payment {
  id: string;
  attempt: number;
  status: string;
  amount: number;
  refunded_amount: number;
  currency: string;
  provider: string;
  provider_payment_id: string | null;
  failure_reason: string | null;
  created_at: string;
}

export interface Refund {
  id: string;
  status: string;
  amount: number;
  currency: string;
  reason: string | null;
  cause: string;
  failure_reason: string | null;
  created_at: string;
}

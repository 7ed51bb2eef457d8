/** A line of a cart with what its product says now: the price in minor units. */
export interface CartLineRow {
  cart_id: string;
  updated_at: Date;
  product_id: number;
  product_name: string;
  quantity: number;
  price_minor: number;
  available: boolean;
}

export interface CartLine {
  product_id: number;
  quantity: number;
}

/** What a checkout buys. An order that names `cart_id` and `round` buys this round, and each round is bought once. */
export interface CartForCheckout {
  cart_id: string;
  /** How many checkouts this cart has come through. */
  round: number;
  /** By ascending product id. Never empty. */
  lines: CartLine[];
}

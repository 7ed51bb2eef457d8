/** A product as an admin reads it. The price in major units. */
export interface Variant {
  id: number;
  sku: string;
  name: string;
  description: string;
  price: number;
  currency: string;
  image_url: string | null;
  category: string | null;
  storefront_id: number | null;
  parent_id: number | null;
  stock: number;
  low_stock_threshold: number;
  views: number;
  active: boolean;
  version: number;
  created_at: string;
  updated_at: string;
}

/** One that has variants is sold only through them; its stock is the sum of theirs. */
export interface Product extends Variant {
  variants?: Variant[];
}

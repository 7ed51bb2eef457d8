/** A seller's shop. Each product is of one of them, or of none. */
export interface Storefront {
  id: number;
  name: string;
  description: string;
  created_at: Date;
  updated_at: Date;
}

export type NewStorefront = Pick<Storefront, 'name' | 'description'>;

export interface Sales {
  orders: number;
  captured: number;
  refunded: number;
  revenue: number;
}

/** As `GET /admin/dashboard` answers it. */
export interface DashboardFigures {
  currency: string;
  days: (Sales & { date: string })[];
  total: Sales;
  orders_by_status: Record<string, number>;
  stock: {
    products: number;
    out_of_stock: number;
    low_stock: number;
    units: number;
    stock_value: number;
    reserved_units: number;
  };
  reservations: { active: number; overdue: number };
  outbox: { backlog: number; lag_seconds: number };
  dead_letters: number;
  payments: { unknown: number; oldest_unknown_seconds: number };
  audit: { consistent: boolean; checked_at: string } | null;
}

export interface LowProduct {
  product_id: number;
  name: string;
  sku: string;
  stock: number;
  low_stock_threshold: number;
}

import { CopyableId } from '../parts/copy-button';
import { Link } from '../parts/link';
import { isOrderOfShop, orderText } from '../parts/order-text';

/** The order that something is about, with the way to it if it is one of the shop's. */
export function OrderLink({ orderId }: { orderId: string }) {
  if (!isOrderOfShop(orderId)) return <CopyableId id={orderId}>{orderText(orderId)}</CopyableId>;
  return (
    <Link to={`/orders/${orderId}/show`} title={orderId}>
      {orderText(orderId)}
    </Link>
  );
}

/** What an event is about: an order or a product. In words only, for where it cannot be a link. */
export function aboutText({ order_id, product_id }: Record<string, unknown>): string {
  if (typeof order_id === 'string') return `Order ${orderText(order_id)}`;
  return typeof product_id === 'number' ? `Product ${product_id}` : '–';
}

/** The same, with the way to it. */
export function About({ data }: { data: Record<string, unknown> }) {
  const { order_id, product_id } = data;
  if (typeof order_id === 'string')
    return (
      <span>
        Order <OrderLink orderId={order_id} />
      </span>
    );
  if (typeof product_id === 'number') return <Link to={`/products/${product_id}`}>Product {product_id}</Link>;
  return <span>–</span>;
}

import { Link } from '../parts/link';
import { shortId } from '../parts/texts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Orders of the shop have UUIDs; those of other systems are named as these like. */
export const isOrderOfShop = (orderId: string) => UUID.test(orderId);

/** The order that something is about, with the way to it if it is one of the shop's. */
export function OrderLink({ orderId }: { orderId: string }) {
  if (!isOrderOfShop(orderId)) return <span>{orderId}</span>;
  return (
    <Link to={`/orders/${orderId}/show`} title={orderId}>
      {shortId(orderId)}
    </Link>
  );
}

/** What an event is about: an order or a product. */
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

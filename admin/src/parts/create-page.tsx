import { Create, type CreateProps } from 'react-admin';
import { useIdempotencyKey } from '../api/idempotency-key';

/** A form that makes something once, however often it is sent. What the API refuses is shown at its fields. */
export function CreatePage(props: CreateProps) {
  const { key } = useIdempotencyKey();
  return (
    <Create
      redirect="edit"
      {...props}
      mutationOptions={{ meta: { idempotencyKey: key }, ...props.mutationOptions }}
    />
  );
}

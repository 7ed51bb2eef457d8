import { Edit, type EditProps } from 'react-admin';

/** A form that shows only what the API has accepted; what it refuses is shown at its fields. */
export function EditPage(props: EditProps) {
  return <Edit mutationMode="pessimistic" redirect={false} {...props} />;
}

import { EditPage } from '../parts/edit-page';
import { StorefrontForm } from './storefront-form';

export default function StorefrontEdit() {
  return (
    <EditPage actions={false}>
      <StorefrontForm />
    </EditPage>
  );
}

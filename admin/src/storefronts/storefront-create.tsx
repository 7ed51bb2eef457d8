import { CreatePage } from '../parts/create-page';
import { StorefrontForm } from './storefront-form';

export default function StorefrontCreate() {
  return (
    <CreatePage title="New storefront" redirect="list">
      <StorefrontForm />
    </CreatePage>
  );
}

import { CreatePage } from '../parts/create-page';
import { DiscountForm } from './discount-form';

export default function DiscountCreate() {
  return (
    <CreatePage title="New discount" redirect="list">
      <DiscountForm defaultValues={{ kind: 'percentage', active: true }} />
    </CreatePage>
  );
}

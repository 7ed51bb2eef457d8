import { EditPage } from '../parts/edit-page';
import { DiscountForm } from './discount-form';

export default function DiscountEdit() {
  return (
    <EditPage actions={false}>
      <DiscountForm />
    </EditPage>
  );
}

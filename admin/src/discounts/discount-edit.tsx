import { EditPage } from '../parts/edit-page';
import { EditToolbar } from '../parts/edit-toolbar';
import { DiscountForm } from './discount-form';

export default function DiscountEdit() {
  return (
    <EditPage actions={false}>
      <DiscountForm
        toolbar={
          <EditToolbar explanation="Nobody can use it any more. Orders that have used it keep their prices." />
        }
      />
    </EditPage>
  );
}

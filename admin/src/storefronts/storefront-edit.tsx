import { EditPage } from '../parts/edit-page';
import { EditToolbar } from '../parts/edit-toolbar';
import { StorefrontForm } from './storefront-form';

export default function StorefrontEdit() {
  return (
    <EditPage actions={false}>
      <StorefrontForm
        toolbar={
          <EditToolbar explanation="Only one without products can go: they are deleted, or moved elsewhere, first." />
        }
      />
    </EditPage>
  );
}

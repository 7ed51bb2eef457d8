import { SimpleForm, useRecordContext } from 'react-admin';
import { EditPage } from '../parts/edit-page';
import { ProductInputs } from './product-form';

export default function ProductEdit() {
  return (
    <EditPage>
      <ProductEditForm />
    </EditPage>
  );
}

function ProductEditForm() {
  const record = useRecordContext();
  return (
    <SimpleForm sx={{ maxWidth: 880 }}>
      <ProductInputs currency={record?.currency} />
    </SimpleForm>
  );
}

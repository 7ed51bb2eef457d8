import { NumberInput, SimpleForm } from 'react-admin';
import { CreatePage } from '../parts/create-page';
import { ProductInputs } from './product-form';

export default function ProductCreate() {
  return (
    <CreatePage title="New product">
      <SimpleForm defaultValues={{ active: true, low_stock_threshold: 0, stock: 0 }}>
        <ProductInputs />
        <NumberInput
          source="stock"
          label="Stock to begin with"
          min={0}
          step={1}
          sx={{ maxWidth: { sm: 280 } }}
        />
      </SimpleForm>
    </CreatePage>
  );
}

import InventoryIcon from '@mui/icons-material/Inventory2Outlined';
import { Route } from 'react-router-dom';
import { later } from '../parts/later';
import type { AdminResource } from '../registry';

const ProductImport = later(() => import('./product-import'));

export const products: AdminResource = {
  name: 'products',
  label: 'Products',
  one: 'Product',
  group: 'Catalog',
  icon: InventoryIcon,
  recordRepresentation: 'name',
  api: {
    path: '/products',
    counted: true,
    sorts: {
      name: { ASC: 'name' },
      price: { ASC: 'price', DESC: '-price' },
      created_at: { DESC: 'newest' },
    },
    writable: [
      'sku',
      'name',
      'description',
      'price',
      'category',
      'image_url',
      'storefront_id',
      'low_stock_threshold',
      'active',
    ],
    createOnly: ['stock'],
    versioned: true,
  },
  list: later(() => import('./product-list')),
  create: later(() => import('./product-create')),
  edit: later(() => import('./product-edit')),
  children: <Route path="import" element={<ProductImport />} />,
};

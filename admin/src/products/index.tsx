import InventoryIcon from '@mui/icons-material/Inventory2Outlined';
import { lazy } from 'react';
import { Route } from 'react-router-dom';
import type { AdminResource } from '../registry';

const ProductImport = lazy(() => import('./product-import'));

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
  list: lazy(() => import('./product-list')),
  create: lazy(() => import('./product-create')),
  edit: lazy(() => import('./product-edit')),
  children: <Route path="import" element={<ProductImport />} />,
};

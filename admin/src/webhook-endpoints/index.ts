import WebhookIcon from '@mui/icons-material/WebhookOutlined';
import { lazy } from 'react';
import type { AdminResource } from '../registry';

export const webhookEndpoints: AdminResource = {
  name: 'webhook-endpoints',
  label: 'Webhooks',
  one: 'Webhook endpoint',
  group: 'System',
  icon: WebhookIcon,
  recordRepresentation: 'url',
  api: {
    path: '/admin/webhook-endpoints',
    member: 'webhook_endpoints',
    counted: true,
    writable: ['url', 'events', 'secret', 'active'],
  },
  list: lazy(() => import('./endpoint-list')),
  create: lazy(() => import('./endpoint-create')),
  edit: lazy(() => import('./endpoint-edit')),
};

import { later } from '../parts/later';

export const Dashboard = later(() => import('./dashboard'));

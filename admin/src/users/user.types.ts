/** A customer, a guest or an admin, as admins see them. */
export interface User {
  id: number;
  /** null for a guest. */
  email: string | null;
  name: string;
  role: 'guest' | 'customer' | 'admin';
  points: number;
  created_at: string;
}

import type { Role } from '../platform/http/caller.js';

/** Somebody who calls. A guest has no e-mail, and an empty name. */
export interface User {
  id: number;
  email: string | null;
  name: string;
  role: Role;
  /** The balance of points. */
  points: number;
}

/** SQL: a row of `users` as a `User`. The account is kept by points, and only looked at here; who has none has no points. */
export const USER_COLUMNS = `users.id, users.email, users.name, users.role,
  coalesce((SELECT a.balance FROM points_accounts a WHERE a.user_id = users.id), 0) AS points`;

export interface NewUser {
  /** In lower case; null for a guest. */
  email: string | null;
  name: string;
  role: Role;
  /** Null for a guest, who cannot log in. */
  password_hash: string | null;
}

/** A user as admins see them. */
export interface ListedUser extends User {
  created_at: Date;
  updated_at: Date;
}

export interface UserFilter {
  /** A part of the e-mail or of the name, in lower case. */
  q?: string;
  role?: Role;
}

/** By e-mail and by name, guests come last: they have neither. */
export const USER_SORTS = ['newest', 'email', 'name'] as const;
export type UserSort = (typeof USER_SORTS)[number];

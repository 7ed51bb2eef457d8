import type { Role } from '../platform/http/caller.js';

/** Somebody who calls. A guest has no e-mail, and an empty name. */
export interface User {
  id: number;
  email: string | null;
  name: string;
  role: Role;
}

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
  /** A part of the e-mail, in lower case. */
  q: string | null;
  role: Role | null;
}

import type { Role } from '../platform/http/caller.js';

/** Somebody who calls. A guest has no e-mail. */
export interface User {
  id: number;
  email: string | null;
  name: string;
  role: Role;
}

export interface NewUser {
  /** In lower case. */
  email: string;
  name: string;
  role: Role;
  password_hash: string;
}

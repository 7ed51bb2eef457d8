import type { Scope } from './scopes.js';

/** An API key as it is known after its creation: without the key itself. */
export interface ApiKey {
  id: number;
  name: string;
  scopes: Scope[];
  /** How the key begins. */
  prefix: string;
  created_at: Date;
  /** To the minute; null for one that was never used. */
  last_used_at: Date | null;
}

export interface NewApiKey {
  name: string;
  scopes: Scope[];
  prefix: string;
  key_hash: Buffer;
}

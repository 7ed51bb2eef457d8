export const SCOPES = ['inventory:read', 'inventory:write'] as const;

export interface ApiKey {
  id: number;
  name: string;
  scopes: (typeof SCOPES)[number][];
  prefix: string;
  created_at: string;
  last_used_at: string | null;
}

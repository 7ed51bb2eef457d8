import { hkdfSync } from 'node:crypto';

const ID_BYTES = 9;

export interface SigningKey {
  /** The `kid` of its tokens. Tells nothing of the secret, and is the same in every process that has it. */
  id: string;
  secret: string;
}

/** The secrets of access tokens: the first signs, all are believed. So one can be changed while sessions go on. */
export class SigningKeys {
  readonly current: SigningKey;
  private readonly byId: ReadonlyMap<string, SigningKey>;

  constructor(secrets: readonly string[]) {
    const keys = secrets.map((secret) => ({ id: idOf(secret), secret }));
    const [current] = keys;
    if (!current) throw new Error('JWT_SECRET is missing; access tokens are signed with it.');
    this.current = current;
    this.byId = new Map(keys.map((key) => [key.id, key]));
  }

  find(id: string | undefined): SigningKey | null {
    return this.byId.get(id ?? '') ?? null;
  }
}

function idOf(secret: string): string {
  return Buffer.from(hkdfSync('sha256', secret, '', 'holdfast key id', ID_BYTES)).toString('base64url');
}

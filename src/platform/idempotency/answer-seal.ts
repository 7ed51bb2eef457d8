import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { AnswerLost } from './idempotency.errors.js';

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
/** No JSON begins so. */
const MARK = 'sealed:';

/**
 * Keeps answers that show a secret, so that a repeat can be answered the same and who reads the table learns nothing. The key
 * comes from `JWT_SECRET`, which does not lie in the database.
 */
@Injectable()
export class AnswerSeal {
  private keys: readonly Buffer[] | undefined;

  constructor(private readonly config: Config) {}

  /** The text as it may lie in the table, for this scope alone: moved to another row it cannot be opened. */
  seal(text: string, scope: string): string {
    const iv = randomBytes(IV_BYTES);
    const [current] = this.keysOf() as [Buffer];
    const cipher = createCipheriv(CIPHER, current, iv, { authTagLength: TAG_BYTES }).setAAD(
      Buffer.from(scope),
    );
    const sealed = Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return MARK + sealed.toString('base64');
  }

  /** What was sealed, or a text that never was as it is. @throws AnswerLost when its secret is not among ours any more. */
  open(stored: string, scope: string): string {
    if (!stored.startsWith(MARK)) return stored;
    const sealed = Buffer.from(stored.slice(MARK.length), 'base64');
    for (const key of this.keysOf()) {
      const text = opened(sealed, scope, key);
      if (text !== null) return text;
    }
    throw new AnswerLost();
  }

  private keysOf(): readonly Buffer[] {
    const { secrets } = this.config;
    if (secrets.length === 0)
      throw new Error('JWT_SECRET is missing; answers with a secret are sealed with it.');
    this.keys ??= secrets.map((secret) =>
      Buffer.from(hkdfSync('sha256', secret, '', 'holdfast idempotency answers', KEY_BYTES)),
    );
    return this.keys;
  }
}

function opened(sealed: Buffer, scope: string, key: Buffer): string | null {
  const iv = sealed.subarray(0, IV_BYTES);
  try {
    const decipher = createDecipheriv(CIPHER, key, iv, { authTagLength: TAG_BYTES })
      .setAAD(Buffer.from(scope))
      .setAuthTag(sealed.subarray(-TAG_BYTES));
    return decipher.update(sealed.subarray(IV_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
  } catch {
    return null;
  }
}

import { createHash, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../platform/database/database.service.js';
import type { Tx } from '../platform/database/tx.js';
import type { Answer } from '../platform/http/answer.js';
import { decodeCursor, encodeCursor, type PageQuery, pageOf } from '../platform/http/page.js';
import type { Claim } from '../platform/idempotency/claim.js';
import { IdempotencyService } from '../platform/idempotency/idempotency.service.js';
import { AdminActions } from '../trail/admin-actions.service.js';
import type { ApiKeyPageView, CreateApiKeyDto, NewApiKeyView } from './api-key.dto.js';
import { ApiKeyRepository } from './api-key.repository.js';
import type { ApiKey } from './api-key.types.js';
import { ApiKeyInvalid, ApiKeyNotFound } from './auth.errors.js';

const KEY = /^hf_[\w-]{43}$/;
const SECRET_BYTES = 32;
const PREFIX_LENGTH = 11;
const NEWEST_FIRST = 'newest';

/** API keys: how other systems call, each with its scopes. */
@Injectable()
export class ApiKeyService {
  constructor(
    private readonly repository: ApiKeyRepository,
    private readonly database: DatabaseService,
    private readonly idempotency: IdempotencyService,
    private readonly trail: AdminActions,
  ) {}

  /** Makes a key: 201. This answer, and its repeat under the same claim, is the only place where it is ever seen. */
  async create({ name, scopes }: CreateApiKeyDto, claim: Claim | null): Promise<Answer<NewApiKeyView>> {
    return this.idempotency.onceSealed(claim, 201, async (tx) => {
      const key = `hf_${randomBytes(SECRET_BYTES).toString('base64url')}`;
      const row = { name, scopes, prefix: key.slice(0, PREFIX_LENGTH), key_hash: hashOf(key) };
      const made = await this.repository.insert(row, tx);
      await this.note('created', null, made, tx);
      return { ...made, key };
    });
  }

  /** Newest first. */
  async list(query: PageQuery): Promise<ApiKeyPageView> {
    const [before] = decodeCursor(NEWEST_FIRST, ['number'], query.cursor) ?? [null];
    const keys = await this.repository.list(before as number | null, query.limit + 1);
    const { rows, next_cursor } = pageOf(
      keys,
      query,
      (key) => key,
      ({ id }) => encodeCursor(NEWEST_FIRST, [id]),
    );
    const total = query.count ? { total: await this.repository.count() } : {};
    return { api_keys: rows, next_cursor, ...total };
  }

  /** @throws ApiKeyNotFound */
  async get(id: number): Promise<ApiKey> {
    const key = await this.repository.find(id);
    if (!key) throw new ApiKeyNotFound();
    return key;
  }

  /** Ends a key: from the moment that this resolves no instance lets it in. @throws ApiKeyNotFound, for one that has ended as well. */
  async revoke(id: number): Promise<void> {
    await this.database.transaction(async (tx) => {
      const revoked = await this.repository.delete(id, tx);
      if (!revoked) throw new ApiKeyNotFound();
      await this.note('revoked', revoked, null, tx);
    });
  }

  private async note(
    done: 'created' | 'revoked',
    before: ApiKey | null,
    after: ApiKey | null,
    tx: Tx,
  ): Promise<void> {
    const entity_id = (after ?? before)?.id as number;
    const step = { action: `api_key.${done}`, entity: 'api_key', entity_id } as const;
    await this.trail.record([{ ...step, before, after }], tx);
  }

  /**
   * Whose key this is. Asks the database each time, by an index: a key that was revoked anywhere is refused everywhere,
   * at once. Its use is noted once a minute. @throws ApiKeyInvalid unless we have made it and it has not been revoked.
   */
  async verify(key: string): Promise<ApiKey> {
    const known = KEY.test(key) ? await this.repository.findByHash(hashOf(key)) : null;
    if (!known) throw new ApiKeyInvalid();
    if (known.unnoted) await this.database.transaction((tx) => this.repository.noteUse(known.id, tx));
    return known;
  }
}

// A slow hash protects what people think up. Nobody guesses 256 random bits, so a fast one is enough, and looking the hash
// up instead of comparing the key tells nothing by the time that it takes.
function hashOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

import { createHash, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Config } from '../platform/config/config.js';
import { violates } from '../platform/database/database.errors.js';
import { DatabaseService } from '../platform/database/database.service.js';
import type { Tx } from '../platform/database/tx.js';
import type { Caller } from '../platform/http/caller.js';
import { uuidv7 } from '../platform/uuid.js';
import { AccessTokens } from './access-token.js';
import type { Credentials, Registration, SessionView, UserView } from './auth.dto.js';
import { CredentialsWrong, EmailTaken, TokenInvalid } from './auth.errors.js';
import type { NewUser, User } from './auth.types.js';
import { Guests } from './guests.js';
import { Passwords } from './password.js';
import { RefreshTokenRepository } from './refresh-token.repository.js';
import { UserRepository } from './user.repository.js';
import { UserStandings } from './user-standings.js';

const REFRESH_TOKEN_BYTES = 32;
const A_GUEST: NewUser = { email: null, name: '', role: 'guest', password_hash: null };

/** Who may call, and the sessions in which they do: an access token, and a family of refresh tokens that replace each other. */
@Injectable()
export class AuthService {
  constructor(
    private readonly config: Config,
    private readonly database: DatabaseService,
    private readonly users: UserRepository,
    private readonly refreshTokens: RefreshTokenRepository,
    private readonly accessTokens: AccessTokens,
    private readonly passwords: Passwords,
    private readonly guests: Guests,
    private readonly standings: UserStandings,
  ) {}

  /** Makes a guest, who can buy and has no way to log in, and begins their session. Not idempotent. */
  async enterAsGuest(): Promise<SessionView> {
    return this.database.transaction(async (tx) =>
      this.beginSession(await this.users.insert(A_GUEST, tx), tx),
    );
  }

  /**
   * Makes a customer and begins a session. A guest who calls becomes the customer: cart and orders stay theirs, and their
   * sessions as a guest end. Not idempotent: one e-mail registers once, also among parallel calls.
   * @throws EmailTaken; ValidationFailed for a password that is easily guessed.
   */
  async register({ email, password, name }: Registration, caller?: Caller): Promise<SessionView> {
    await this.passwords.assertHardToGuess(password, email);
    // Before the transaction: hashing takes tens of milliseconds, for which no connection should wait.
    const password_hash = await this.passwords.hash(password);
    const customer: NewUser = { email, name, role: 'customer', password_hash };
    try {
      return await this.insteadOfGuest(caller, (guestId, tx) => this.enrol(customer, guestId, tx));
    } catch (error) {
      if (violates(error, 'users_email_key')) throw new EmailTaken();
      throw error;
    }
  }

  private async enrol(customer: NewUser, guestId: number | null, tx: Tx): Promise<SessionView> {
    const known = guestId === null ? null : await this.users.becomeCustomer(guestId, customer, tx);
    if (known) await this.refreshTokens.revokeAll(known.id, tx);
    return this.beginSession(known ?? (await this.users.insert(customer, tx)), tx);
  }

  /**
   * Begins another session. When a guest calls, their cart is added to the user's and their orders become the user's, in
   * the transaction that begins the session; the guest is gone then. @throws CredentialsWrong, and then nothing was changed.
   */
  async login({ email, password }: Credentials, caller?: Caller): Promise<SessionView> {
    const user = await this.users.findByEmail(email);
    const matches = await this.passwords.matches(password, user?.password_hash ?? null);
    if (user === null || !matches) throw new CredentialsWrong();
    return this.insteadOfGuest(caller, async (guestId, tx) => {
      if (guestId !== null) await this.guests.handOver(guestId, user.id, tx);
      // They may have been deleted, or their password changed, while we hashed.
      const now = await this.users.lockForSession(user, tx);
      if (now === null) throw new CredentialsWrong();
      return this.beginSession(now, tx);
    });
  }

  /** Does `work`, after which a guest who calls is none any more. Whoever else calls makes no difference. */
  private async insteadOfGuest<T>(
    caller: Caller | undefined,
    work: (guestId: number | null, tx: Tx) => Promise<T>,
  ): Promise<T> {
    const guestId = caller?.role === 'guest' ? caller.id : null;
    const done = await this.database.transaction((tx) => work(guestId, tx));
    if (guestId !== null) this.standings.forget(guestId);
    return done;
  }

  /**
   * Replaces a refresh token, which is used up by that, and issues a fresh access token. Of parallel calls with one token
   * exactly one gets there.
   *
   * A token comes a second time when it was stolen, or when a client is broken; which of the two came first cannot be
   * told, so all that descends from the same login is revoked.
   * @throws TokenInvalid
   */
  async refresh(refreshToken: string): Promise<SessionView> {
    const session = await this.database.transaction((tx) => this.replace(hashOf(refreshToken), tx));
    // Only now, outside of the transaction: a throw inside would undo the revocation.
    if (session === null) throw new TokenInvalid('refresh token');
    return session;
  }

  /** Ends the session of the refresh token. Its access token is good until it expires. Idempotent; an unknown token is fine. */
  async logout(refreshToken: string): Promise<void> {
    const tokenHash = hashOf(refreshToken);
    await this.database.transaction(async (tx) => {
      await this.refreshTokens.lockOwner(tokenHash, tx);
      const token = await this.refreshTokens.find(tokenHash, tx);
      if (token !== null) await this.refreshTokens.revokeFamily(token.family_id, tx);
    });
  }

  /** The user whom an access token names. @throws TokenInvalid when there is no such user any more. */
  async getUser(id: number): Promise<UserView> {
    const user = await this.users.find(id);
    if (user === null) throw new TokenInvalid('access token');
    return viewOf(user);
  }

  private beginSession(user: User, tx: Tx): Promise<SessionView> {
    return this.issue(user, uuidv7(), tx);
  }

  /** @returns null when the token may not be replaced; its family is revoked if it has been used before. */
  private async replace(tokenHash: Buffer, tx: Tx): Promise<SessionView | null> {
    const user = await this.refreshTokens.lockOwner(tokenHash, tx);
    const token = await this.refreshTokens.find(tokenHash, tx);
    if (user === null || token === null) return null;
    if (token.used || token.revoked) {
      await this.refreshTokens.revokeFamily(token.family_id, tx);
      return null;
    }
    if (token.expired) return null;
    await this.refreshTokens.useUp(token.id, tx);
    return this.issue(user, token.family_id, tx);
  }

  private async issue(user: User, familyId: string, tx: Tx): Promise<SessionView> {
    const refreshToken = randomBytes(REFRESH_TOKEN_BYTES).toString('base64url');
    await this.refreshTokens.insert(
      {
        id: uuidv7(),
        user_id: user.id,
        family_id: familyId,
        token_hash: hashOf(refreshToken),
        ttl_seconds: this.config.env.REFRESH_TOKEN_TTL_SECONDS,
      },
      tx,
    );
    return {
      access_token: this.accessTokens.issue(user),
      refresh_token: refreshToken,
      expires_in: this.accessTokens.ttlSeconds,
      user: viewOf(user),
    };
  }
}

// One round of a fast hash is enough for 256 random bits; a password would need a slow one.
function hashOf(refreshToken: string): Buffer {
  return createHash('sha256').update(refreshToken).digest();
}

function viewOf({ id, email, name, role, points }: User): UserView {
  return { id, email, name, role, points };
}

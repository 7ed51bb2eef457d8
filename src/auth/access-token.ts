import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { Config } from '../platform/config/config.js';
import type { Caller, Role } from '../platform/http/caller.js';
import { TokenInvalid } from './auth.errors.js';
import { RecentlyUsed } from './recently-used.js';
import { type SigningKey, SigningKeys } from './signing-keys.js';

const ISSUER = 'holdfast';
const AUDIENCE = 'holdfast-api';
const ROLES: readonly Role[] = ['guest', 'customer', 'admin'];
const REMEMBERED_MAX = 20_000;

interface Claims {
  sub: string;
  role: Role;
  /** Seconds since 1970. */
  iat: number;
  exp: number;
}

/** What a token says that we have issued. Times are since 1970. */
export interface Verified {
  caller: Readonly<Caller>;
  /** Of the issuer's clock, which counts whole seconds here: up to a second too early. */
  issuedAtMs: number;
  expiresAtMs: number;
}

/** Access tokens: short-lived and signed. What has become of the user since is asked of `UserStandings`. */
@Injectable()
export class AccessTokens {
  readonly ttlSeconds: number;
  private readonly jwt: JwtService;
  private readonly keys: SigningKeys;
  // Every request brings a token, and most bring one that was verified a moment ago. A signature does not change, so only
  // the first time pays for parsing and HMAC; what changes, the time, is looked at each time.
  private readonly verified = new RecentlyUsed<string, Verified>(REMEMBERED_MAX);

  constructor(config: Config) {
    this.ttlSeconds = config.env.ACCESS_TOKEN_TTL_SECONDS;
    this.keys = new SigningKeys(config.secrets);
    const { current } = this.keys;
    this.jwt = new JwtService({
      secret: current.secret,
      signOptions: {
        algorithm: 'HS256',
        keyid: current.id,
        issuer: ISSUER,
        audience: AUDIENCE,
        expiresIn: this.ttlSeconds,
      },
      // Pinned: a token must not choose how it is verified.
      verifyOptions: { algorithms: ['HS256'], issuer: ISSUER, audience: AUDIENCE },
    });
  }

  issue({ id, role }: Caller): string {
    return this.jwt.sign({ role }, { subject: String(id) });
  }

  /**
   * Whom the token names, and the role that they had when it was issued.
   * @throws TokenInvalid unless we have issued it and it has not expired.
   */
  verify(token: string): Readonly<Verified> {
    const verified = this.verified.get(token) ?? this.read(token);
    if (verified.expiresAtMs <= Date.now()) throw new TokenInvalid('access token');
    return verified;
  }

  private read(token: string): Verified {
    const { sub, role, iat, exp } = this.claimsOf(token);
    const caller = Object.freeze({ id: Number(sub), role });
    const verified = Object.freeze({ caller, issuedAtMs: iat * 1_000, expiresAtMs: exp * 1_000 });
    this.verified.set(token, verified);
    return verified;
  }

  private claimsOf(token: string): Claims {
    let claims: Partial<Claims>;
    try {
      const { secret } = this.keyOf(token);
      claims = this.jwt.verify<Partial<Claims>>(token, { secret });
    } catch {
      throw new TokenInvalid('access token');
    }
    const { sub, role, iat, exp } = claims;
    const isTimed = typeof iat === 'number' && typeof exp === 'number';
    const ours = /^[1-9]\d*$/.test(sub ?? '') && ROLES.some((known) => known === role) && isTimed;
    if (!ours) throw new TokenInvalid('access token');
    return claims as Claims;
  }

  private keyOf(token: string): SigningKey {
    const { header } = this.jwt.decode(token, { complete: true });
    const key = this.keys.find(header.kid);
    if (key === null) throw new TokenInvalid('access token');
    return key;
  }
}

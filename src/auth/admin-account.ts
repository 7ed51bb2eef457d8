import { randomBytes } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { Config } from '../platform/config/config.js';
import { DatabaseService } from '../platform/database/database.service.js';
import { AdminActions } from '../trail/admin-actions.service.js';
import { plainEmail } from './auth.dto.js';
import { Passwords } from './password.js';
import { RefreshTokenRepository } from './refresh-token.repository.js';
import { UserRepository } from './user.repository.js';

const DEMO_EMAIL = 'admin@holdfast.example';
const NAME = 'Administrator';
const GENERATED_PASSWORD_BYTES = 15;

/** The admin who is there without anybody having made one: no route makes the first. */
@Injectable()
export class AdminAccount {
  private readonly logger = new Logger(AdminAccount.name);

  constructor(
    private readonly config: Config,
    private readonly database: DatabaseService,
    private readonly users: UserRepository,
    private readonly refreshTokens: RefreshTokenRepository,
    private readonly passwords: Passwords,
    private readonly trail: AdminActions,
  ) {}

  /**
   * Makes sure, once the tables are there, that `ADMIN_EMAIL` is an admin. Who is one already keeps the password, whatever
   * `ADMIN_PASSWORD` says. A customer with this e-mail becomes the admin, with `ADMIN_PASSWORD` and with all sessions
   * ended: e-mails are not verified, so it may be somebody else who has registered it and is waiting for this.
   * Idempotent, also among instances that start together.
   */
  async ensureNamed(): Promise<void> {
    const { ADMIN_EMAIL, ADMIN_PASSWORD } = this.config.env;
    if (ADMIN_EMAIL !== undefined && ADMIN_PASSWORD !== undefined)
      await this.appoint(plainEmail(ADMIN_EMAIL), ADMIN_PASSWORD);
  }

  /**
   * In the embedded demo with no `ADMIN_EMAIL`, the first start makes an admin with a password of its own. Idempotent like
   * `ensureNamed`. @returns that e-mail and password, this once; otherwise null.
   */
  async ensureDemo(): Promise<{ email: string; password: string } | null> {
    const isDemo = this.config.embedded && !this.config.production && !this.config.env.ADMIN_EMAIL;
    if (!isDemo || (await this.users.anyAdmin())) return null;
    const password = randomBytes(GENERATED_PASSWORD_BYTES).toString('base64url');
    await this.appoint(DEMO_EMAIL, password);
    return { email: DEMO_EMAIL, password };
  }

  private async appoint(email: string, password: string): Promise<void> {
    const known = await this.users.findByEmail(email);
    if (known?.role === 'admin') return;
    // Whoever runs the service decides, but should know. What we have made ourselves nobody else has.
    if (password === this.config.env.ADMIN_PASSWORD && (await this.passwords.isCommon(password)))
      this.logger.warn('ADMIN_PASSWORD is one of the most common passwords: choose another');
    const passwordHash = await this.passwords.hash(password);
    await this.database.transaction(async (tx) => {
      const id = await this.users.appointAdmin(email, NAME, passwordHash, tx);
      if (id === null) return;
      await this.refreshTokens.revokeAll(id, tx);
      await this.trail.record(
        [
          {
            action: 'user.appointed',
            entity: 'user',
            entity_id: id,
            before: null,
            after: { email, role: 'admin' },
          },
        ],
        tx,
      );
    });
  }
}

import { Global, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AccessTokens } from './access-token.js';
import { AdminAccount } from './admin-account.js';
import { ApiKeyRepository } from './api-key.repository.js';
import { ApiKeyService } from './api-key.service.js';
import { AuthController } from './auth.controller.js';
import { AuthGuard } from './auth.guard.js';
import { AuthService } from './auth.service.js';
import { GuestCleanup } from './guest-cleanup.js';
import { GuestHeirs } from './guest-heirs.js';
import { Guests } from './guests.js';
import { Passwords } from './password.js';
import { RefreshTokenRepository } from './refresh-token.repository.js';
import { RefreshTokenCleanup } from './refresh-token-cleanup.js';
import { UserRepository } from './user.repository.js';
import { UserService } from './user.service.js';
import { UserStandings } from './user-standings.js';

/**
 * Who is calling. Its guard stands before every route of the application. Global for `GuestHeirs`, with which whoever keeps
 * things of users registers.
 */
@Global()
@Module({
  controllers: [AuthController],
  providers: [
    AccessTokens,
    AdminAccount,
    ApiKeyRepository,
    ApiKeyService,
    AuthService,
    GuestCleanup,
    GuestHeirs,
    Guests,
    Passwords,
    RefreshTokenCleanup,
    RefreshTokenRepository,
    UserRepository,
    UserService,
    UserStandings,
    { provide: APP_GUARD, useClass: AuthGuard },
  ],
  exports: [AdminAccount, ApiKeyService, AuthService, GuestHeirs, UserService],
})
export class AuthModule {}

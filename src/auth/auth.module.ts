import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AccessTokens } from './access-token.js';
import { AdminAccount } from './admin-account.js';
import { ApiKeyRepository } from './api-key.repository.js';
import { ApiKeyService } from './api-key.service.js';
import { AuthController } from './auth.controller.js';
import { AuthGuard } from './auth.guard.js';
import { AuthService } from './auth.service.js';
import { RefreshTokenRepository } from './refresh-token.repository.js';
import { RefreshTokenCleanup } from './refresh-token-cleanup.js';
import { UserRepository } from './user.repository.js';

/** Who is calling. Its guard stands before every route of the application. */
@Module({
  controllers: [AuthController],
  providers: [
    AccessTokens,
    AdminAccount,
    ApiKeyRepository,
    ApiKeyService,
    AuthService,
    RefreshTokenCleanup,
    RefreshTokenRepository,
    UserRepository,
    { provide: APP_GUARD, useClass: AuthGuard },
  ],
  exports: [AdminAccount, ApiKeyService, AuthService],
})
export class AuthModule {}

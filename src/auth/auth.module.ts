import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AccessTokens } from './access-token.js';
import { AdminAccount } from './admin-account.js';
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
    AuthService,
    RefreshTokenCleanup,
    RefreshTokenRepository,
    UserRepository,
    { provide: APP_GUARD, useClass: AuthGuard },
  ],
  exports: [AdminAccount, AuthService],
})
export class AuthModule {}

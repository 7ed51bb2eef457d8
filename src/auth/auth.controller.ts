import { Body, Controller, Get, Header, HttpCode, Post } from '@nestjs/common';
import { ApiBearerAuth, ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type Caller, CurrentUser } from '../platform/http/caller.js';
import { Answers, Refuses } from '../platform/http/docs.js';
import { Public } from '../platform/http/public.js';
import { RateLimit } from '../platform/http/rate-limit.js';
import { Credentials, RefreshTokenDto, Registration, SessionView, UserView } from './auth.dto.js';
import { LeadsToToken } from './auth.guard.js';
import { AuthService } from './auth.service.js';

const WITH_A_GUEST =
  "With a guest's access token, the cart and the orders of the guest become the user's, and the guest's tokens are no good any more. An access token of anybody else, or one that has expired, makes no difference.";

// No Idempotency-Key here: an answer that is kept to be given again would keep its tokens in clear.
@ApiTags('auth')
@Controller('auth')
export class AuthController {
  constructor(private readonly auth: AuthService) {}

  @Post('guest')
  @Public()
  @LeadsToToken()
  @RateLimit('newcomers')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'Begin as a guest',
    description:
      'A guest has a cart, orders and pays like a customer, but earns no points and cannot log in.',
  })
  @Answers(201, SessionView, 'A new guest, without an e-mail.')
  enterAsGuest() {
    return this.auth.enterAsGuest();
  }

  @Post('register')
  @Public()
  @LeadsToToken()
  @RateLimit('newcomers')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Register as a customer', description: WITH_A_GUEST })
  @Answers(201, SessionView, 'Registered and logged in.')
  @Refuses(409, 'email_taken', 'this email is already registered')
  register(@Body() registration: Registration, @CurrentUser() caller: Caller | undefined) {
    return this.auth.register(registration, caller);
  }

  @Post('login')
  @HttpCode(200)
  @Public()
  @LeadsToToken()
  @RateLimit('login')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Log in', description: WITH_A_GUEST })
  @Answers(200, SessionView)
  @Refuses(401, 'invalid_credentials', 'invalid email or password')
  login(@Body() credentials: Credentials, @CurrentUser() caller: Caller | undefined) {
    return this.auth.login(credentials, caller);
  }

  @Post('refresh')
  @HttpCode(200)
  @Public()
  @LeadsToToken()
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'Get a fresh access token',
    description: 'Uses the refresh token up and answers the next one.',
  })
  @Answers(200, SessionView)
  @Refuses(401, 'invalid_token', 'the refresh token is invalid or has expired')
  refresh(@Body() { refresh_token }: RefreshTokenDto) {
    return this.auth.refresh(refresh_token);
  }

  @Post('logout')
  @HttpCode(204)
  @Public()
  @LeadsToToken()
  @ApiOperation({ summary: 'Log out: end the session of a refresh token' })
  @ApiNoContentResponse({ description: 'Ended, now or before.' })
  async logout(@Body() { refresh_token }: RefreshTokenDto) {
    await this.auth.logout(refresh_token);
  }

  @Get('me')
  @ApiBearerAuth('access_token')
  @ApiOperation({ summary: 'Who you are' })
  @Answers(200, UserView)
  me(@CurrentUser() { id }: Caller) {
    return this.auth.getUser(id);
  }
}

import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Roles } from '../auth/roles.js';
import { ChangeUserDto, ListedUserView, UserPageView, UsersQuery } from '../auth/user.dto.js';
import { UserService } from '../auth/user.service.js';
import { Answers, Refuses, TakesId } from '../platform/http/docs.js';
import { IntegerId } from '../platform/http/validation.js';

const LAST_ADMIN = 'this is the last admin: appoint another one first';

@ApiTags('admin')
@ApiBearerAuth('access_token')
@Roles('admin')
@Controller('admin/users')
export class AdminUsersController {
  constructor(private readonly users: UserService) {}

  @Get()
  @ApiOperation({ summary: 'The users, newest first unless another sort is asked for' })
  @Answers(200, UserPageView)
  list(@Query() query: UsersQuery) {
    return this.users.list(query);
  }

  @Get(':id')
  @TakesId()
  @ApiOperation({ summary: 'One user' })
  @Answers(200, ListedUserView)
  @Refuses(404, 'not_found', 'user not found')
  get(@Param('id', IntegerId) id: number) {
    return this.users.get(id);
  }

  @Patch(':id')
  @TakesId()
  @ApiOperation({
    summary: "Change a user's role",
    description:
      'Access tokens that say the old role are no good any more; a refresh gives one with the new.',
  })
  @Answers(200, ListedUserView)
  @Refuses(404, 'not_found', 'user not found')
  @Refuses(409, ['last_admin', 'user_is_guest'], LAST_ADMIN)
  changeRole(@Param('id', IntegerId) id: number, @Body() dto: ChangeUserDto) {
    return this.users.changeRole(id, dto);
  }

  @Delete(':id')
  @TakesId()
  @HttpCode(204)
  @ApiOperation({
    summary: 'Delete a user',
    description: 'Their tokens are no good any more, and their email may register again. Their orders stay.',
  })
  @ApiNoContentResponse({ description: 'Gone.' })
  @Refuses(404, 'not_found', 'user not found')
  @Refuses(409, 'last_admin', LAST_ADMIN)
  async remove(@Param('id', IntegerId) id: number) {
    await this.users.remove(id);
  }
}

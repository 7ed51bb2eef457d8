import { Controller, Get, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Roles } from '../auth/roles.js';
import { Answers } from '../platform/http/docs.js';
import { AdminActionsQuery } from '../trail/admin-action.dto.js';
import { AdminActionPageView } from '../trail/admin-action.view.js';
import { AdminActions } from '../trail/admin-actions.service.js';

@ApiTags('admin')
@ApiBearerAuth('access_token')
@Roles('admin')
@Controller('admin/actions')
export class AdminActionsController {
  constructor(private readonly actions: AdminActions) {}

  @Get()
  @ApiOperation({
    summary: 'What admins and other systems have changed by hand, newest first',
    description: 'Written with the change itself, and never changed or removed.',
  })
  @Answers(200, AdminActionPageView)
  list(@Query() query: AdminActionsQuery) {
    return this.actions.list(query);
  }
}

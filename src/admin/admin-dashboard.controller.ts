import { Controller, Get, Header, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Roles } from '../auth/roles.js';
import { Answers } from '../platform/http/docs.js';
import { DashboardQuery } from './dashboard.dto.js';
import { DashboardService } from './dashboard.service.js';
import { DashboardView } from './dashboard.view.js';

@ApiTags('admin')
@ApiBearerAuth('access_token')
@Roles('admin')
@Controller('admin/dashboard')
export class AdminDashboardController {
  constructor(private readonly dashboard: DashboardService) {}

  @Get()
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'Sales and orders by day, and how the shop stands now',
    description:
      'Orders count on the day (UTC) on which they were placed, money on the day on which it moved: a day that is over stays as it is.',
  })
  @Answers(200, DashboardView)
  show(@Query() query: DashboardQuery) {
    return this.dashboard.show(query);
  }
}

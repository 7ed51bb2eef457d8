import { Controller, Get, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type Caller, CurrentUser } from '../platform/http/caller.js';
import { Answers } from '../platform/http/docs.js';
import { PageQuery } from '../platform/http/page.js';
import { PointsService } from './points.service.js';
import { PointsView } from './points.view.js';

@ApiTags('points')
@ApiBearerAuth('access_token')
@Controller('points')
export class PointsController {
  constructor(private readonly points: PointsService) {}

  @Get()
  @ApiOperation({ summary: 'Your points, and where they come from' })
  @Answers(200, PointsView)
  ofCaller(@CurrentUser() caller: Caller, @Query() query: PageQuery) {
    return this.points.ofCaller(caller, query);
  }
}

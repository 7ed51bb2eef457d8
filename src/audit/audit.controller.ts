import { Controller, Get } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Roles } from '../auth/roles.js';
import { Answers } from '../platform/http/docs.js';
import { TakesItsTime } from '../platform/http/time-limits.js';
import { AuditService } from './audit.service.js';
import { AuditView } from './audit.view.js';

@ApiTags('inventory')
@ApiBearerAuth('access_token')
@Roles('admin')
@Controller('inventory/audit')
export class AuditController {
  constructor(private readonly audits: AuditService) {}

  @Get()
  @TakesItsTime('it reads whole tables; each of its checks has the time of a statement')
  @ApiOperation({ summary: 'Prove from the tables that stock, orders, money and events agree' })
  @Answers(200, AuditView, 'What was found; `consistent` sums it up.')
  audit() {
    return this.audits.audit();
  }
}

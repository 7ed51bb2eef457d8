import { Controller, Get, HttpStatus } from '@nestjs/common';
import { Answer } from '../http/answer.js';
import { Public } from '../http/public.js';
import { HealthService } from './health.service.js';

@Controller('health')
@Public()
export class HealthController {
  constructor(private readonly health: HealthService) {}

  @Get()
  live() {
    return { status: 'ok' };
  }

  @Get('ready')
  async ready() {
    const readiness = await this.health.readiness();
    return new Answer(
      readiness.status === 'down' ? HttpStatus.SERVICE_UNAVAILABLE : HttpStatus.OK,
      readiness,
    );
  }
}

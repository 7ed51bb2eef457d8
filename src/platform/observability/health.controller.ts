import { Controller, Get, HttpStatus } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import { Answer } from '../http/answer.js';
import { Answers } from '../http/docs.js';
import { Public } from '../http/public.js';
import { type CheckState, HealthService } from './health.service.js';

const CHECK_STATES = ['up', 'degraded', 'down'] as const;

export class LivenessView {
  @ApiProperty({ enum: ['ok'], example: 'ok' }) status!: string;
}

export class ReadinessView {
  @ApiProperty({ enum: CHECK_STATES, example: 'up' }) status!: CheckState;
  @ApiProperty({
    type: 'object',
    additionalProperties: { type: 'string', enum: [...CHECK_STATES] },
    example: { database: 'up', migrations: 'up', outbox: 'up' },
  })
  checks!: Record<string, CheckState>;
}

@ApiTags('health')
@Controller('health')
@Public()
export class HealthController {
  constructor(private readonly health: HealthService) {}

  @Get()
  @ApiOperation({ summary: 'Whether the process lives', description: 'Asks nobody else.' })
  @Answers(200, LivenessView)
  live() {
    return { status: 'ok' };
  }

  @Get('ready')
  @ApiOperation({ summary: 'Whether the service should be sent requests' })
  @Answers(200, ReadinessView, 'It should.')
  @Answers(503, ReadinessView, 'It should not: something that it needs is down, or it is about to stop.')
  async ready() {
    const readiness = await this.health.readiness();
    return new Answer(
      readiness.status === 'down' ? HttpStatus.SERVICE_UNAVAILABLE : HttpStatus.OK,
      readiness,
    );
  }
}

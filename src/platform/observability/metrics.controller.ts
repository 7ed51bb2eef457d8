import { Controller, Get, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Public } from '../http/public.js';
import { Metrics } from './metrics.service.js';

/** For a monitor that scrapes. Not of the API, like `/docs`. */
@ApiExcludeController()
@Controller('metrics')
@Public()
export class MetricsController {
  constructor(private readonly metrics: Metrics) {}

  @Get()
  scrape(@Res({ passthrough: true }) reply: FastifyReply) {
    reply.type(this.metrics.contentType);
    return this.metrics.text();
  }
}

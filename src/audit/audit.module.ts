import { Module } from '@nestjs/common';
import { AuditController } from './audit.controller.js';
import { AuditMetrics } from './audit.metrics.js';
import { AuditRepository } from './audit.repository.js';
import { AuditService } from './audit.service.js';

@Module({
  controllers: [AuditController],
  providers: [AuditRepository, AuditService, AuditMetrics],
  exports: [AuditService],
})
export class AuditModule {}

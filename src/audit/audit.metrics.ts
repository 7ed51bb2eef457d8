import { Injectable } from '@nestjs/common';
import { Metrics } from '../platform/observability/metrics.service.js';
import { AuditService } from './audit.service.js';

/** What the last audit of this process has found. There is nothing to tell before the first. */
@Injectable()
export class AuditMetrics {
  constructor(metrics: Metrics, audits: AuditService) {
    metrics.gaugesBy('audit_violations', 'Rows that break a promise, at the last audit.', 'check', () =>
      (audits.latest()?.checks ?? []).map(({ name, violations }) => [name, violations]),
    );
    metrics.gaugeOf(
      'audit_timestamp_seconds',
      'When the last audit has looked, in seconds since 1970.',
      () => {
        const latest = audits.latest();
        return latest && latest.checked_at.getTime() / 1_000;
      },
    );
  }
}

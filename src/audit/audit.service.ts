import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { Config } from '../platform/config/config.js';
import { Recurring } from '../platform/recurring.js';
import { AuditRepository } from './audit.repository.js';
import type { AuditReport } from './audit.types.js';

/** Proves the promises from the tables: at once by `audit`, and every `AUDIT_SECONDS` for the metric and the log. */
@Injectable()
export class AuditService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(AuditService.name);
  private readonly watch: Recurring;
  private newest: AuditReport | null = null;

  constructor(
    private readonly repository: AuditRepository,
    config: Config,
  ) {
    this.watch = new Recurring('audit', config.env.AUDIT_SECONDS * 1_000, (stopping) => this.audit(stopping));
  }

  onApplicationBootstrap(): void {
    this.watch.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.watch.stop();
  }

  /** Checks everything, on one snapshot. Changes nothing; reads whole tables, so it is not for every request. */
  async audit(stopping?: AbortSignal): Promise<AuditReport> {
    const { at, checks } = await this.repository.check(stopping);
    const broken = checks.filter(({ violations }) => violations > 0);
    for (const { name, violations, sample } of broken) {
      this.logger.error({ check: name, violations, sample }, `a promise is broken: ${name}`);
    }
    this.newest = { consistent: broken.length === 0, checked_at: at, checks };
    return this.newest;
  }

  /** What this process has found last, or null before its first audit: for the metric `holdfast_audit_violations{check}`. */
  latest(): AuditReport | null {
    return this.newest;
  }
}

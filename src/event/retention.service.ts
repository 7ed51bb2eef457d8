import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DatabaseService } from '../platform/database/database.service.js';
import type { Tx } from '../platform/database/tx.js';
import { Jobs } from '../platform/jobs/jobs.service.js';
import { EventRepository } from './event.repository.js';

const EVENTS_KEPT_DAYS = 90;
/** No job is as old: what is not in the log any more cannot come again. */
const LOG_KEPT_DAYS = 30;
/** Each in a transaction of its own: locks and log records stay few, whatever has piled up. */
const BATCH = 1_000;

/** Removes what nobody asks for any more, every night. */
@Injectable()
export class RetentionService implements OnModuleInit {
  constructor(
    private readonly database: DatabaseService,
    private readonly repository: EventRepository,
    private readonly jobs: Jobs,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.jobs.schedule('events-retention', '17 3 * * *', (stopping) => this.removeOld(stopping));
  }

  /** Idempotent, and harmless beside another instance's. A stop leaves the rest to the next night. */
  async removeOld(stopping?: AbortSignal): Promise<void> {
    await this.inBatches((tx) => this.repository.deleteOlderThan(EVENTS_KEPT_DAYS, BATCH, tx), stopping);
    await this.inBatches((tx) => this.repository.deleteLogOlderThan(LOG_KEPT_DAYS, BATCH, tx), stopping);
  }

  private async inBatches(remove: (tx: Tx) => Promise<number>, stopping?: AbortSignal): Promise<void> {
    while (!stopping?.aborted && (await this.database.transaction(remove)) === BATCH);
  }
}

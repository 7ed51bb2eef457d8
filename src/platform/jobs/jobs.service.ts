import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { JobWithMetadata, PgBoss, Queue } from 'pg-boss';
import { Config } from '../config/config.js';
import { clientOf, type Tx } from '../database/statement.js';
import { aboutOnly } from '../observability/subject.js';
import { Recurring } from '../recurring.js';
import { openBoss, startBoss } from './boss.js';
import type { DeadJob, Job, QueueOptions, SendOptions } from './jobs.types.js';
import { Seldom } from './seldom.js';

/** What happens when nobody is notified: a retry whose time has come, a notification that was lost. */
const POLL_SECONDS = 1;
const POLL_SCHEDULED_SECONDS = 30;
/** While the connection that listens is down, or behind a pooler that cannot have one. */
const POLL_UNNOTIFIED_SECONDS = 0.5;
const TIME_LIMIT_SECONDS = 60;
const RETRY_BASE_MS = 1_000;
/** The wait grows no more after so many tries. */
const DOUBLINGS_MAX = 16;
const DEAD_LETTER_ATTEMPTS_MAX = 20;
/** As long as the log of what was done is kept, so that no job outlives it. */
const UNFINISHED_KEPT_SECONDS = 30 * 86_400;
/** Long enough to look at; whoever needs to know longer writes it down. */
const FINISHED_KEPT_SECONDS = 3_600;
const STOP_TIMEOUT_MS = 15_000;
const TROUBLE_INTERVAL_MS = 10_000;
const START_RETRY_MS = 1_000;

interface Opening {
  queue: Queue;
  workers: number;
  retryBaseMs: number;
  work: (job: JobWithMetadata<object>) => Promise<void>;
  cron?: string;
}

/**
 * Background work that survives the process: pg-boss on our own database. A job is delivered at least once.
 *
 * Open queues and schedules in `onModuleInit`: the work begins when the application has started. A stop finishes what is
 * under way; requests that are still being answered meanwhile may go on sending.
 */
@Injectable()
export class Jobs implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  private readonly logger = new Logger(Jobs.name);
  private readonly trouble = new Seldom(TROUBLE_INTERVAL_MS, (message) => this.logger.warn(message));
  private boss: PgBoss;
  private readonly openings: Opening[] = [];
  private starting: Promise<void> | undefined;
  private readonly ending = new AbortController();
  private readonly outsideOfRequests = AsyncLocalStorage.snapshot();
  private readonly waiting = new Recurring('job queue start', START_RETRY_MS, () =>
    this.startWhenInstalled(),
  );

  constructor(private readonly config: Config) {
    this.boss = this.openBoss();
  }

  /** Opens a queue and works on it. What `work` throws is tried again, with back-off. */
  async queue<Data extends object>(
    name: string,
    options: QueueOptions,
    work: (job: Job<Data>) => Promise<void>,
  ): Promise<void> {
    await this.register({
      queue: toQueue(name, options),
      workers: options.concurrency ?? 1,
      retryBaseMs: options.retryBaseMs ?? RETRY_BASE_MS,
      work: (job) => work(toJob(job as JobWithMetadata<Data>)),
    });
  }

  /** Opens a queue for jobs that were given up elsewhere, and works on it. */
  async deadLetterQueue<Data extends object>(
    name: string,
    work: (job: DeadJob<Data>) => Promise<void>,
  ): Promise<void> {
    await this.register({
      queue: toQueue(name, { attemptsMax: DEAD_LETTER_ATTEMPTS_MAX }),
      workers: 1,
      retryBaseMs: RETRY_BASE_MS,
      work: (job) => work(toDeadJob(job as JobWithMetadata<Data>)),
    });
  }

  /**
   * Runs `work` at the times of `cron` (UTC), in one of the processes that share the database. A time that comes while no
   * process runs is left out. What goes by batches looks between them whether the service stops.
   */
  async schedule(name: string, cron: string, work: (stopping: AbortSignal) => Promise<void>): Promise<void> {
    const retryBaseMs = 60_000;
    const queue = toQueue(name, { attemptsMax: 3, retryBaseMs, timeLimitSeconds: 3_600 });
    await this.register({
      queue: { ...queue, policy: 'singleton' },
      workers: 1,
      retryBaseMs,
      work: () => work(this.ending.signal),
      cron,
    });
  }

  /**
   * Puts a job into a queue, in `tx`: it is there if and only if the transaction commits.
   * @returns the job's id. @throws Error when there is no such queue.
   */
  async send(queue: string, data: object, options: SendOptions, tx: Tx): Promise<string> {
    await this.start();
    const { delaySeconds } = options;
    const later = delaySeconds === undefined ? {} : { startAfter: Math.ceil(delaySeconds) };
    const id = await this.boss.send(queue, data, { ...later, db: inside(tx) });
    if (id === null) throw new Error(`the queue ${queue} did not take the job`);
    return id;
  }

  /** `send` for many jobs, by one statement. */
  async sendAll(queue: string, data: object[], tx: Tx): Promise<void> {
    if (data.length === 0) return;
    await this.start();
    await this.boss.insert(
      queue,
      data.map((one) => ({ data: one })),
      { db: inside(tx) },
    );
  }

  /** Resolves when jobs can be sent. Idempotent. @throws JobsUnusable */
  start(): Promise<void> {
    // Whoever needs it first may be a request, whose time, trace and name must not become those of all jobs.
    this.starting ??= this.outsideOfRequests(() => this.begin()).catch((error) => {
      this.starting = undefined;
      this.boss = this.openBoss();
      throw error;
    });
    return this.starting;
  }

  async onApplicationBootstrap(): Promise<void> {
    try {
      await this.start();
    } catch (error) {
      if (this.config.env.MIGRATE_ON_START) throw error;
      // Somebody else migrates: the service is not ready until they have, and the work begins then.
      this.logger.warn((error as Error).message);
      this.waiting.start();
    }
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.ending.abort();
    await this.waiting.stop();
    if (!this.starting) return;
    await Promise.all(this.openings.map(({ queue }) => this.boss.offWork(queue.name, { wait: true })));
  }

  async onApplicationShutdown(): Promise<void> {
    await this.boss.stop({ graceful: true, timeout: STOP_TIMEOUT_MS });
    this.trouble.stop();
  }

  private openBoss(): PgBoss {
    return openBoss(this.config, this.config.env.MIGRATE_ON_START, (message) => this.trouble.tell(message));
  }

  private async startWhenInstalled(): Promise<void> {
    await this.start().then(
      () => this.waiting.finish(),
      () => undefined,
    );
  }

  private async begin(): Promise<void> {
    await startBoss(this.boss);
    try {
      for (const opening of this.openings) await this.open(opening);
    } catch (error) {
      // It would go on working beside the one that is opened next.
      await this.boss.stop({ graceful: false }).catch(() => undefined);
      throw error;
    }
  }

  private async register(opening: Opening): Promise<void> {
    this.openings.push(opening);
    if (!this.starting) return;
    await this.starting;
    await this.open(opening);
  }

  private async open(opening: Opening): Promise<void> {
    const { name, policy, ...settings } = opening.queue;
    await this.boss.createQueue(name, { ...settings, policy });
    // The queue may be there since an earlier version of us, which had other settings.
    await this.boss.updateQueue(name, settings);
    if (opening.cron) await this.boss.schedule(name, opening.cron);
    for (let count = 0; count < opening.workers; count++) await this.addWorker(opening);
  }

  private async addWorker(opening: Opening): Promise<void> {
    const worker: string = await this.boss.work(
      opening.queue.name,
      {
        batchSize: 1,
        includeMetadata: true,
        pollingIntervalSeconds: POLL_UNNOTIFIED_SECONDS,
        notifyPollingIntervalSeconds: opening.cron ? POLL_SCHEDULED_SECONDS : POLL_SECONDS,
      },
      async (jobs: JobWithMetadata<object>[]) => {
        // One notification may stand for many jobs: where one was, look again at once.
        this.boss.notifyWorker(worker);
        for (const job of jobs)
          await aboutOnly({ queue: job.name, job_id: job.id }, () => this.attempt(opening, job, worker));
      },
    );
  }

  private async attempt(opening: Opening, job: JobWithMetadata<object>, worker: string): Promise<void> {
    const { queue, work } = opening;
    try {
      await work(job);
    } catch (error) {
      const attempt = job.retryCount + 1;
      this.logger.warn(`${queue.name} failed at attempt ${attempt}: ${(error as Error).message}`);
      if (job.retryCount >= job.retryLimit) throw error;
      await this.retryLater(job, waitMsOf(opening.retryBaseMs, attempt), error as Error, worker);
    }
  }

  /**
   * pg-boss waits whole seconds before it tries again. So the job is failed here, with its wait of at least a second, and then
   * moved to its time; should we die in between, it is tried a little later. To pg-boss its attempt is over then.
   */
  private async retryLater(
    { id, name, retryCount }: JobWithMetadata<object>,
    waitMs: number,
    error: Error,
    worker: string,
  ): Promise<void> {
    await this.boss.fail(name, { id, retryCount }, error);
    await this.boss.update(name, undefined, { id, startAfter: waitMs / 1_000 });
    // Nobody is notified when the time of a job has come, and a look a second would be late.
    if (waitMs < POLL_SECONDS * 1_000) setTimeout(() => this.boss.notifyWorker(worker), waitMs).unref();
  }
}

/** Lets pg-boss write on the transaction's own connection. */
function inside(tx: Tx) {
  return { executeSql: (text: string, values?: unknown[]) => clientOf(tx).query(text, values) };
}

function toQueue(name: string, options: QueueOptions): Queue {
  return {
    name,
    retryLimit: options.attemptsMax - 1,
    // For what cannot say that it has failed: a job whose process has died, or that has run out of time.
    retryDelay: Math.max(1, Math.ceil((options.retryBaseMs ?? RETRY_BASE_MS) / 1_000)),
    retryBackoff: true,
    expireInSeconds: options.timeLimitSeconds ?? TIME_LIMIT_SECONDS,
    retentionSeconds: UNFINISHED_KEPT_SECONDS,
    deleteAfterSeconds: FINISHED_KEPT_SECONDS,
    notify: true,
    ...(options.deadLetterQueue ? { deadLetter: options.deadLetterQueue } : {}),
  };
}

/** How long to wait after this attempt: twice as long as after the one before, and up to twice that, so that many do not come back at once. */
function waitMsOf(baseMs: number, attempt: number): number {
  return baseMs * 2 ** Math.min(attempt - 1, DOUBLINGS_MAX) * (1 + Math.random());
}

function toJob<Data extends object>({ id, data, retryCount }: JobWithMetadata<Data>): Job<Data> {
  return { id, data, attempt: retryCount + 1 };
}

function toDeadJob<Data extends object>(job: JobWithMetadata<Data>): DeadJob<Data> {
  return {
    ...toJob(job),
    source: {
      id: job.sourceId ?? job.id,
      queue: job.sourceName ?? '',
      attempts: (job.sourceRetryCount ?? 0) + 1,
      error: messageOf(job.sourceOutput),
    },
  };
}

/** pg-boss keeps a thrown error as its members, and its own verdicts, such as a job timed out, under `value`. */
function messageOf(output: object | null): string {
  const { message, value } = (output ?? {}) as { message?: unknown; value?: { message?: unknown } };
  return String(message ?? value?.message ?? 'the job failed without a word');
}

import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Counter } from 'prom-client';
import type { Sequelize } from 'sequelize-typescript';
import { Config } from '../config/config.js';
import { SEQUELIZE } from '../database/database.service.js';
import { Overloaded } from '../errors.js';
import { Metrics } from '../observability/metrics.service.js';
import { isOfApi } from './public.js';

/** What there was too much of. */
export type ShedReason = 'event_loop' | 'database_pool' | 'placement_queue';

const LOOK_INTERVAL_MS = 100;
/** A pause that is over is no overload: only how late the loop was at each of so many looks in a row counts. */
const LOOKS = 3;
/** A read that is refused costs a look at a page, anything else an order: these are taken up to twice the bound. */
const WRITES_FACTOR = 2;

/** Knows when the service cannot take more work, so that what is under way gets done and the rest is told so at once. */
@Injectable()
export class LoadShedding implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly pool: { readonly waiting: number };
  private readonly lagMaxMs: number;
  private readonly waitingMax: number;
  private readonly shed: Counter<'reason'>;
  private readonly latenessMs = Array<number>(LOOKS).fill(0);
  /** How late the event loop was at the best of the last looks. */
  private lagMs = 0;
  private lookedAtMs = 0;
  private looking: NodeJS.Timeout | undefined;

  constructor(@Inject(SEQUELIZE) sequelize: Sequelize, { env }: Config, metrics: Metrics) {
    this.pool = (sequelize.connectionManager as unknown as { pool: { waiting: number } }).pool;
    this.lagMaxMs = env.SHED_EVENT_LOOP_LAG_MS;
    this.waitingMax = env.SHED_POOL_WAITING;
    this.shed = metrics.counter(
      'requests_shed_total',
      'Requests that were refused at once because there was too much to do already.',
      ['reason'],
    );
  }

  onApplicationBootstrap(): void {
    this.lookedAtMs = performance.now();
    this.looking = setInterval(() => this.look(), LOOK_INTERVAL_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.looking);
  }

  /** Why the request should not be begun, or null. Asked for every request, so it only compares numbers. */
  reasonToRefuse(isRead: boolean): ShedReason | null {
    const factor = isRead ? 1 : WRITES_FACTOR;
    if (this.lagMs > this.lagMaxMs * factor) return 'event_loop';
    return this.pool.waiting > this.waitingMax * factor ? 'database_pool' : null;
  }

  /** Whoever wants a connection to the database has to wait for many others. */
  get isPoolOverrun(): boolean {
    return this.pool.waiting > this.waitingMax;
  }

  /** A request was refused for that. */
  note(reason: ShedReason): void {
    this.shed.inc({ reason });
  }

  private look(): void {
    const now = performance.now();
    this.latenessMs.shift();
    this.latenessMs.push(now - this.lookedAtMs - LOOK_INTERVAL_MS);
    this.lookedAtMs = now;
    this.lagMs = Math.min(...this.latenessMs);
  }
}

/** Refuses requests to the API while the service cannot take them: before their body is read, or anybody is asked who calls. */
export function shedLoad(fastify: FastifyInstance, shedding: LoadShedding): void {
  fastify.addHook(
    'onRequest',
    (request: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void) => {
      const isRead = request.method === 'GET' || request.method === 'HEAD';
      const reason = shedding.reasonToRefuse(isRead);
      if (reason === null || !isOfApi(request)) return done();
      shedding.note(reason);
      done(new Overloaded('the service has too much to do; try again'));
    },
  );
}

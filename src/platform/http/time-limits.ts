import { type ExecutionContext, Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply } from 'fastify';
import type { Counter } from 'prom-client';
import { Config } from '../config/config.js';
import { RequestDeadline, runWithin } from '../deadline.js';
import { RequestTimedOut } from '../errors.js';
import { Metrics } from '../observability/metrics.service.js';
import type { CallerRequest } from './caller.js';
import { isOfApi } from './public.js';

const TAKES_ITS_TIME = 'holdfast:takes-its-time';

/** Route decorator: it has no time limit as a whole, for this reason; each of its steps has one of its own. */
export const TakesItsTime = (reason: string) => SetMetadata(TAKES_ITS_TIME, reason);

/** Answers in time, and sees to it that what has not been done by then is not done. */
@Injectable()
export class TimeLimits {
  /** By the methods of the routes: decorators do not change any more. */
  private readonly unlimited = new WeakMap<object, boolean>();
  private readonly timeouts: Counter<'method' | 'route'>;

  constructor(
    private readonly reflector: Reflector,
    private readonly config: Config,
    metrics: Metrics,
  ) {
    this.timeouts = metrics.counter(
      'request_timeouts_total',
      'Requests that were answered 504, with nothing done, because their time was over.',
      ['method', 'route'],
    );
  }

  /**
   * Does `work` within the time that the route has since the request began to arrive. When that is over before anything was
   * committed, nothing will be, and it is not waited for any longer. Once something is, its end is waited for: every
   * transaction and every call to a provider has a bound of its own.
   * @throws RequestTimedOut
   */
  async within<T>(context: ExecutionContext, request: CallerRequest, work: () => Promise<T>): Promise<T> {
    if (!isOfApi(request) || this.isUnlimited(context)) return work();
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    const leftMs = Math.max(0, this.limitMsOf(request) - reply.elapsedTime);
    const deadline = new RequestDeadline(leftMs);
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const timer = setTimeout(() => deadline.expire() && reject(new RequestTimedOut()), leftMs);
    runWithin(deadline, work).then(resolve, reject);
    try {
      return await promise;
    } catch (error) {
      if (error instanceof RequestTimedOut) this.note(request);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  private limitMsOf({ method }: CallerRequest): number {
    const { READ_TIMEOUT_MS, REQUEST_TIMEOUT_MS } = this.config.env;
    return method === 'GET' || method === 'HEAD' ? READ_TIMEOUT_MS : REQUEST_TIMEOUT_MS;
  }

  private isUnlimited(context: ExecutionContext): boolean {
    const route = context.getHandler();
    let unlimited = this.unlimited.get(route);
    if (unlimited === undefined) {
      unlimited = this.reflector.get<string | undefined>(TAKES_ITS_TIME, route) !== undefined;
      this.unlimited.set(route, unlimited);
    }
    return unlimited;
  }

  private note({ method, routeOptions }: CallerRequest): void {
    this.timeouts.inc({ method, route: routeOptions.url ?? 'unknown' });
  }
}

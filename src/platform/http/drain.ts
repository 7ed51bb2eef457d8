import { setTimeout as pause } from 'node:timers/promises';
import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  type OnModuleDestroy,
} from '@nestjs/common';
import { finalize, type Observable } from 'rxjs';
import { Config } from '../config/config.js';

/** Knows which requests are being worked on, so that a stop loses none of them. */
@Injectable()
export class Drain implements NestInterceptor, OnModuleDestroy {
  private readonly underWay = new Set<Promise<void>>();
  private hasBegun = false;

  constructor(private readonly config: Config) {}

  /** The service is about to stop: it should be sent nothing more, and connections end with their answer. */
  get begun(): boolean {
    return this.hasBegun;
  }

  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    let end = () => {};
    const work = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.underWay.add(work);
    return next.handle().pipe(
      finalize(() => {
        this.underWay.delete(work);
        end();
      }),
    );
  }

  /**
   * The first that Nest calls when the application closes: it still listens and answers then, and goes on for as long as a
   * balancer needs to see that it is not ready any more. Resolves when everything that is under way after that is done, also
   * for clients who have hung up: their order may be half placed.
   */
  async onModuleDestroy(): Promise<void> {
    this.hasBegun = true;
    await pause(this.config.env.SHUTDOWN_NOTICE_SECONDS * 1_000);
    await Promise.all(this.underWay);
  }
}

import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Config } from '../config/config.js';

/** Knows which requests are being worked on, so that a stop loses none of them. */
@Injectable()
export class Drain implements OnModuleDestroy {
  private readonly underWay = new Set<Promise<void>>();
  private hasBegun = false;

  constructor(private readonly config: Config) {}

  /** The service is about to stop: it should be sent nothing more, and connections end with their answer. */
  get begun(): boolean {
    return this.hasBegun;
  }

  /** A request is worked on from now until what is returned is called. */
  enter(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.underWay.add(promise);
    return () => {
      this.underWay.delete(promise);
      resolve();
    };
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

import { applyDecorators, type ExecutionContext, Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply } from 'fastify';
import { RateLimiterRes } from 'rate-limiter-flexible';
import { Config } from '../config/config.js';
import { DomainError } from '../errors.js';
import { Metrics } from '../observability/metrics.service.js';
import type { CallerRequest } from './caller.js';
import { Refuses } from './docs.js';
import { isOfApi } from './public.js';
import { type Decisions, declareDecisions } from './rate-limit.metrics.js';
import { RateLimitStore, Uncounted } from './rate-limit.store.js';
import { type Allowance, BUDGETS, type BudgetName } from './rate-limit-budgets.js';

const RATE_LIMIT = 'holdfast:rate-limit';

/**
 * Calls of the route go on this budget. On a controller: those that write; what it reads goes on `reads`, as all reads do.
 * What is over it is answered 429, and nothing was done.
 */
export const RateLimit = (budget: BudgetName) =>
  applyDecorators(SetMetadata(RATE_LIMIT, budget), Refuses(429, 'rate_limited', sentenceOf(17)));

/** Somebody calls more often than their budget allows. Nothing was begun. */
export class RateLimited extends DomainError {
  readonly kind = 'limited';
  readonly code = 'rate_limited';

  constructor(override readonly retryAfterSeconds: number) {
    super(sentenceOf(retryAfterSeconds));
  }
}

function sentenceOf(seconds: number): string {
  return `too many requests; try again in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}`;
}

interface Rule extends Allowance {
  decisions: Decisions;
  count(key: string): Promise<RateLimiterRes>;
  takeBack(key: string): Promise<unknown>;
}

/**
 * Keeps every caller within their budgets, and tells them by `RateLimit-*` how they stand.
 */
@Injectable()
export class RateLimits {
  private readonly rules: Map<BudgetName, Rule[]>;

  constructor(
    private readonly reflector: Reflector,
    store: RateLimitStore,
    { env }: Config,
    metrics: Metrics,
  ) {
    const decisions = declareDecisions(Object.keys(BUDGETS) as BudgetName[], metrics);
    this.rules = env.RATE_LIMIT_FACTOR === 0 ? new Map() : rulesOf(store, env.RATE_LIMIT_FACTOR, decisions);
  }

  /**
   * Counts a call of a known caller.
   * @returns what is to be judged by the answer, if it may turn out not to count
   * @throws RateLimited when it is one too many
   */
  async count(context: ExecutionContext, request: CallerRequest): Promise<Guess | undefined> {
    const rules = this.rulesFor(context, request);
    if (rules.length === 0) return undefined;
    await this.countBy(rules, request, context.switchToHttp().getResponse<FastifyReply>());
    const guesses = rules.filter(({ refusedOnly }) => refusedOnly);
    return guesses.length === 0 ? undefined : new Guess(guesses, request);
  }

  private rulesFor(context: ExecutionContext, request: CallerRequest): Rule[] {
    if (this.rules.size === 0 || !isOfApi(request)) return [];
    const stated = this.reflector.get<BudgetName | undefined>(RATE_LIMIT, context.getHandler());
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    const usual = isRead
      ? 'reads'
      : this.reflector.get<BudgetName | undefined>(RATE_LIMIT, context.getClass());
    const budget = stated ?? usual;
    return (budget && this.rules.get(budget)) ?? [];
  }

  // The first tells how one stands, unless another refuses.
  private async countBy(rules: Rule[], request: CallerRequest, reply: FastifyReply): Promise<void> {
    const { decisions } = rules[0] as Rule;
    let isCounted = false;
    for (const [index, rule] of rules.entries()) {
      const standing = await rule.count(rule.per(request)).catch(asStanding);
      if (standing === null) continue;
      isCounted = true;
      const isOver = standing.consumedPoints > rule.calls;
      if (index === 0 || isOver) tell(reply, rule, standing);
      if (isOver) {
        decisions.refused++;
        throw new RateLimited(secondsOf(standing));
      }
    }
    decisions[isCounted ? 'allowed' : 'failed_open']++;
  }
}

/** A call that is counted only if it is refused for who is calling. */
class Guess {
  constructor(
    private readonly rules: Rule[],
    private readonly request: CallerRequest,
  ) {}

  /** Passes the answer on, and takes the call back unless that is such a refusal. */
  async judgedBy<T>(answer: Promise<T>): Promise<T> {
    try {
      const value = await answer;
      this.takeBack();
      return value;
    } catch (error) {
      if (!isRefusedCaller(error)) this.takeBack();
      throw error;
    }
  }

  private takeBack(): void {
    for (const rule of this.rules) void rule.takeBack(rule.per(this.request));
  }
}

function rulesOf(
  store: RateLimitStore,
  factor: number,
  decisions: Record<BudgetName, Decisions>,
): Map<BudgetName, Rule[]> {
  const names = Object.keys(BUDGETS) as BudgetName[];
  const scaled = (name: BudgetName) =>
    (BUDGETS[name] as Allowance[]).map((allowance, index): Rule => {
      const calls = Math.max(1, Math.round(allowance.calls * factor));
      const counter = store.counter(
        `${name}-${index}`,
        calls,
        allowance.seconds,
        allowance.mustCount === true,
      );
      return {
        ...allowance,
        calls,
        decisions: decisions[name],
        count: (key) => counter.consume(key),
        takeBack: (key) => counter.reward(key),
      };
    });
  return new Map(names.map((name) => [name, scaled(name)]));
}

/** @returns null when nobody could count the call. */
function asStanding(rejection: unknown): RateLimiterRes | null {
  if (rejection instanceof RateLimiterRes) return rejection;
  if (rejection instanceof Uncounted) return null;
  throw rejection;
}

function tell(reply: FastifyReply, { calls }: Rule, standing: RateLimiterRes): void {
  reply.header('RateLimit-Limit', String(calls));
  reply.header('RateLimit-Remaining', String(Math.max(0, calls - standing.consumedPoints)));
  reply.header('RateLimit-Reset', String(secondsOf(standing)));
}

const secondsOf = ({ msBeforeNext }: RateLimiterRes) => Math.max(1, Math.ceil(msBeforeNext / 1_000));

const isRefusedCaller = (error: unknown) => error instanceof DomainError && error.kind === 'unauthenticated';

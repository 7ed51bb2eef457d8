import { AsyncLocalStorage } from 'node:async_hooks';
import type { FastifyRequest } from 'fastify';
import { about } from '../observability/subject.js';
import { runAs } from '../observability/tracing.js';
import type { CallerRequest } from './caller.js';

const requests = new AsyncLocalStorage<CallerRequest>();

/**
 * The request that is being answered, for what has to be noted about who makes it; undefined in background work. Business
 * must not decide by it: what a method does follows from what it is given. Where requests are worked on together, as in a
 * placement, it is any one of them.
 */
export const currentRequest = (): CallerRequest | undefined => requests.getStore();

/** Runs the rest of a request as that request. After its body is read, since reading it would lose the thread. */
export function runAsCurrent(request: FastifyRequest, rest: () => void): void {
  const { subject = {}, span } = request as CallerRequest;
  requests.run(request as CallerRequest, () => about(subject, () => runAs(span, rest)));
}

import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import type { FastifyRequest } from 'fastify';
import type { Observable } from 'rxjs';
import { ValidationFailed } from '../errors.js';

/** How a route gets at its body. What takes the whole request judges the body by itself. */
const READERS = new Set([RouteParamtypes.BODY, RouteParamtypes.RAW_BODY, RouteParamtypes.REQUEST]);

/**
 * Refuses members in the body of a route that reads none: they are as unknown as those that a DTO does not name, and who sends
 * them believes that they do something. No body and an empty one are the same.
 */
@Injectable()
export class UnreadBody implements NestInterceptor {
  private readonly reading = new WeakMap<object, boolean>();

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { body } = context.switchToHttp().getRequest<FastifyRequest>();
    if (body !== undefined && body !== null && !this.isRead(context)) assertEmpty(body);
    return next.handle();
  }

  private isRead(context: ExecutionContext): boolean {
    const route = context.getHandler();
    const known = this.reading.get(route);
    if (known !== undefined) return known;
    const parameters = Reflect.getMetadata(ROUTE_ARGS_METADATA, context.getClass(), route.name) ?? {};
    // Each as `type:position`; decorators of our own have a random name there, which may begin with a digit.
    const read = Object.keys(parameters).some(
      (key) => /^\d+:/.test(key) && READERS.has(Number.parseInt(key, 10)),
    );
    this.reading.set(route, read);
    return read;
  }
}

/** @throws ValidationFailed */
function assertEmpty(body: unknown): void {
  if (typeof body !== 'object' || Array.isArray(body))
    throw ValidationFailed.of('', 'the body must be a JSON object');
  const members = Object.keys(body as object);
  if (members.length === 0) return;
  throw new ValidationFailed(members.map((field) => ({ field, message: `${field} is not a known member` })));
}

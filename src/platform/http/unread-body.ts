import type { ExecutionContext } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import type { FastifyRequest } from 'fastify';
import { ValidationFailed } from '../errors.js';

/** How a route gets at its body. What takes the whole request judges the body by itself. */
const READERS = new Set([RouteParamtypes.BODY, RouteParamtypes.RAW_BODY, RouteParamtypes.REQUEST]);

/** What is known of routes, by their methods. */
const reading = new WeakMap<object, boolean>();

/**
 * Refuses members in the body of a route that reads none: they are as unknown as those that a DTO does not name, and who sends
 * them believes that they do something. No body and an empty one are the same.
 * @throws ValidationFailed
 */
export function refuseUnreadBody(context: ExecutionContext, { body }: FastifyRequest): void {
  if (body !== undefined && body !== null && !isRead(context)) assertEmpty(body);
}

function isRead(context: ExecutionContext): boolean {
  const route = context.getHandler();
  const known = reading.get(route);
  if (known !== undefined) return known;
  const parameters = Reflect.getMetadata(ROUTE_ARGS_METADATA, context.getClass(), route.name) ?? {};
  // Each as `type:position`; decorators of our own have a random name there, which may begin with a digit.
  const read = Object.keys(parameters).some(
    (key) => /^\d+:/.test(key) && READERS.has(Number.parseInt(key, 10)),
  );
  reading.set(route, read);
  return read;
}

/** @throws ValidationFailed */
function assertEmpty(body: unknown): void {
  if (typeof body !== 'object' || Array.isArray(body))
    throw ValidationFailed.of('', 'the body must be a JSON object');
  const members = Object.keys(body as object);
  if (members.length === 0) return;
  throw new ValidationFailed(members.map((field) => ({ field, message: `${field} is not a known member` })));
}

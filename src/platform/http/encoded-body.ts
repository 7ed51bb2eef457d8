import type { FastifyRequest } from 'fastify';

/**
 * Whether a body comes compressed. None is taken: a few bytes could become gigabytes, and no limit of ours would know before
 * they are.
 */
export function isEncoded({ headers }: FastifyRequest): boolean {
  const encoding = headers['content-encoding'];
  return encoding !== undefined && encoding !== '' && encoding.toLowerCase() !== 'identity';
}

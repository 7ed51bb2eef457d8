import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/**
 * Cuts connections on which an answer stands still: a client that takes nothing of it would keep its memory for ever. One that
 * takes a little is not cut, however slow it is. When the answer is out, Node sets the time of an idle connection instead.
 */
export function cutSlowReaders(fastify: FastifyInstance, timeoutMs: number): void {
  fastify.addHook(
    'onSend',
    (request: FastifyRequest, _reply: FastifyReply, _payload: unknown, done: () => void) => {
      request.raw.socket.setTimeout(timeoutMs);
      done();
    },
  );
}

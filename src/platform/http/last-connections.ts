import type { ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Drain } from './drain.js';

/**
 * Lets the server close as soon as the last answer is out. Node alone would wait for connections that clients keep open
 * for later, and half a minute for those on which nothing was ever asked: browsers and pools open such in advance.
 */
export function endLastConnections(fastify: FastifyInstance, drain: Drain): void {
  const answering = new Set<ServerResponse>();
  let isClosing = false;
  const endIfLast = () => {
    if (isClosing && answering.size === 0) fastify.server.closeAllConnections();
  };
  fastify.addHook('onRequest', (_request: FastifyRequest, { raw }: FastifyReply, done: () => void) => {
    answering.add(raw);
    raw.once('close', () => {
      answering.delete(raw);
      endIfLast();
    });
    done();
  });
  fastify.addHook(
    'onSend',
    (_request: FastifyRequest, reply: FastifyReply, _payload: unknown, done: () => void) => {
      if (drain.begun) reply.header('Connection', 'close');
      done();
    },
  );
  fastify.addHook('preClose', (done: () => void) => {
    // Right after this hook it stops to listen; only then no connection can come any more.
    setImmediate(() => {
      isClosing = true;
      endIfLast();
    });
    done();
  });
}

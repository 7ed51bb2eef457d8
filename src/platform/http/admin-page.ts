import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { NotFound } from '../errors.js';
import { ProblemFilter } from './problem.filter.js';

/** What the build has put wherever a nonce belongs (admin/vite.config.ts). */
const NONCE_PLACE = '__CSP_NONCE__';
const NONCE_BYTES = 16;
/** The path names a file. What the page itself shows is named by words and ids, none of which has a dot. */
const FILE = /^[^?]*\.\w+(\?|$)/;

/**
 * Everything is our own but the pictures of products, which are wherever their addresses say. MUI writes its styles while it
 * runs: they carry the nonce. What it sets on single elements goes through the CSSOM, which no policy asks about.
 */
const policy = (nonce: string) =>
  [
    "default-src 'self'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' https:",
    "connect-src 'self'",
    "object-src 'none'",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ');

/**
 * Serves the admin's page, as it was built into the folder, at `/admin/`. Its files have their content in their names and
 * are kept for ever; every other path is the page itself, which then shows what the path names, but for one that names a
 * file: there is none, and a script must not be a page. Without a build the page is a 404 which says so, and the service
 * lacks nothing else.
 */
export function serveAdminPage(fastify: FastifyInstance, folder: string): void {
  const refuse = (fault: NotFound, request: FastifyRequest, reply: FastifyReply) => {
    new ProblemFilter().answer(fault, request, reply);
    return reply;
  };
  const page = async (request: FastifyRequest, reply: FastifyReply) => {
    if (FILE.test(request.url))
      return refuse(new NotFound("the admin's page has no such file"), request, reply);
    const built = await readFile(join(folder, 'index.html'), 'utf8').catch(() => null);
    if (built === null)
      return refuse(new NotFound("the admin's page is not built: npm run build:admin"), request, reply);
    const nonce = randomBytes(NONCE_BYTES).toString('base64');
    return reply
      .type('text/html; charset=utf-8')
      .header('Content-Security-Policy', policy(nonce))
      .header('Referrer-Policy', 'no-referrer')
      .header('Cache-Control', 'no-cache')
      .send(built.replaceAll(NONCE_PLACE, nonce));
  };
  fastify.register(fastifyStatic, {
    root: join(folder, 'assets'),
    prefix: '/admin/assets/',
    maxAge: '365d',
    immutable: true,
    preCompressed: true,
    index: false,
    decorateReply: false,
    suppressWarning: true,
  });
  fastify.get('/admin', (_request, reply) => reply.redirect('/admin/', 308));
  fastify.get('/admin/', page);
  fastify.get('/admin/*', page);
}

import compress from '@fastify/compress';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import type { RouteOptions } from 'fastify';
import { COMPRESSED_FROM_BYTES } from './ready-answer.js';

/**
 * Compresses what is read, for whoever can take it: lists, the API's document and page, metrics, the export as it streams. Only
 * answers to GET: tokens, keys and secrets are shown in answers to POST alone, and where a client's own words stand beside a
 * secret the length of a compressed answer would tell of it. So nothing that is placed or paid pays for this either. Compressed
 * bodies of requests are not taken: a small one may become a huge one.
 */
export async function compressReads(adapter: FastifyAdapter): Promise<void> {
  adapter.getInstance().addHook('onRoute', (route: RouteOptions) => {
    if (![route.method].flat().includes('GET')) route.compress = false;
  });
  await adapter.getInstance().register(compress, {
    encodings: ['br', 'gzip'],
    threshold: COMPRESSED_FROM_BYTES,
    globalDecompression: false,
  });
}

import { hash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Smaller ones fit into one packet as they are. */
export const COMPRESSED_FROM_BYTES = 1_400;

const compressors = {
  br: (bytes: Buffer) =>
    promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }),
  gzip: (bytes: Buffer) => promisify(gzip)(bytes),
};
type Encoding = keyof typeof compressors;

/**
 * A JSON answer that is made once and given to many: its bytes, what they are told apart by, and, once somebody wants them, their
 * compressed forms. A browser asks again each time and is answered 304 as long as it is the same. `audience` says who may keep
 * it: `admin` is for the browser alone, and nobody else may be shown it.
 */
export class ReadyAnswer {
  readonly bytes: Buffer;
  private readonly tag: string;
  private readonly compressed = new Map<Encoding, Buffer | Promise<Buffer>>();

  constructor(
    json: string,
    private readonly audience: 'everybody' | 'admin',
  ) {
    this.bytes = Buffer.from(json);
    this.tag = hash('sha1', this.bytes, 'base64url');
  }

  /** Sets the head of the answer to this request. @returns its body, or nothing for a 304. */
  answer(request: FastifyRequest, reply: FastifyReply): Buffer | undefined | Promise<Buffer> {
    // Weak: one tag for all its forms, each of which means the same.
    reply.header('ETag', `W/"${this.tag}"`);
    reply.header('Cache-Control', this.audience === 'everybody' ? 'no-cache' : 'private, no-cache');
    // After what stands there already: with CORS the answer differs by the page that asks, too.
    const vary = [reply.getHeader('Vary') ?? [], 'Authorization', 'Accept-Encoding'].flat();
    reply.header('Vary', vary.join(', '));
    if (this.isKnownTo(request.headers['if-none-match'])) {
      reply.status(304);
      return undefined;
    }
    reply.header('Content-Type', 'application/json; charset=utf-8');
    const encoding = this.encodingFor(request.headers['accept-encoding']);
    if (encoding === null) return this.bytes;
    reply.header('Content-Encoding', encoding);
    return this.compress(encoding);
  }

  /** Tags are compared weakly, as RFC 9110 wants it for reads. */
  private isKnownTo(header: string | undefined): boolean {
    if (header === undefined) return false;
    return header.trim() === '*' || [...header.matchAll(/"([^"]*)"/g)].some(([, tag]) => tag === this.tag);
  }

  private encodingFor(header: string | undefined): Encoding | null {
    if (header === undefined || this.bytes.length < COMPRESSED_FROM_BYTES) return null;
    const br = weightOf('br', header);
    const gzipped = weightOf('gzip', header);
    if (Math.max(br, gzipped) === 0) return null;
    return br >= gzipped ? 'br' : 'gzip';
  }

  private compress(encoding: Encoding): Buffer | Promise<Buffer> {
    const there = this.compressed.get(encoding);
    if (there !== undefined) return there;
    const underWay = compressors[encoding](this.bytes).then((bytes) => {
      this.compressed.set(encoding, bytes);
      return bytes;
    });
    this.compressed.set(encoding, underWay);
    return underWay;
  }
}

/** How much a client wants an encoding, from 0 to 1. */
function weightOf(encoding: Encoding, header: string): number {
  let ofOthers = 0;
  for (const choice of header.toLowerCase().split(',')) {
    const [name = '', ...parameters] = choice.split(';').map((part) => part.trim());
    const weight = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1);
    if (name === encoding) return weight || 0;
    if (name === '*') ofOthers = weight || 0;
  }
  return ofOthers;
}

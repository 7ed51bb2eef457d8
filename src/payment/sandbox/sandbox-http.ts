import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { invalidCredentials, invalidRequest, unsupportedMediaType } from './sandbox-errors.js';

const BODY_MAX_BYTES = 64 * 1024;
const KEY_MAX_CHARACTERS = 64;

export interface Reply {
  status: number;
  headers: Record<string, string>;
  body: string;
}

export function json(status: number, body: object): Reply {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify(body),
  };
}

export function page(body: string): Reply {
  return {
    status: 200,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
    },
    body,
  };
}

export function seeOther(location: string): Reply {
  return { status: 303, headers: { location }, body: '' };
}

export function send(response: ServerResponse, reply: Reply): void {
  response.writeHead(reply.status, { ...reply.headers, 'content-length': Buffer.byteLength(reply.body) });
  response.end(reply.body);
}

/** Tells whether a request carries the shop's Basic credentials, in a time that does not depend on them. */
export function credentialCheck(shopId: string, secretKey: string): (request: IncomingMessage) => void {
  const expected = sha256(`${shopId}:${secretKey}`);
  return (request) => {
    const [scheme = '', encoded = ''] = (request.headers.authorization ?? '').split(' ');
    const given = sha256(Buffer.from(encoded, 'base64').toString());
    // Digests have one length; comparing the credentials themselves would tell theirs.
    const same = timingSafeEqual(given, expected);
    if (scheme.toLowerCase() !== 'basic' || !same) throw invalidCredentials();
  };
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** @throws RequestRefused when there is none, or it is empty or too long. */
export function readIdempotenceKey(request: IncomingMessage): string {
  const key = request.headers['idempotence-key'];
  if (typeof key !== 'string' || key.length === 0 || key.length > KEY_MAX_CHARACTERS) {
    throw invalidRequest(`A key of 1 to ${KEY_MAX_CHARACTERS} characters is needed`, 'Idempotence-Key');
  }
  return key;
}

export async function readJson(request: IncomingMessage): Promise<unknown> {
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) throw unsupportedMediaType();
  const text = await readText(request);
  try {
    return JSON.parse(text);
  } catch {
    throw invalidRequest('The body is no JSON');
  }
}

export async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    // Read on to the end without keeping it: leaving here would cut the connection instead of answering.
    if (bytes <= BODY_MAX_BYTES) chunks.push(chunk as Buffer);
  }
  if (bytes > BODY_MAX_BYTES) throw invalidRequest(`The body is over ${BODY_MAX_BYTES} bytes`);
  return Buffer.concat(chunks).toString();
}

import { request } from 'node:http';
import type { TestApp } from '../support/boot.js';
import type { GivenUser } from '../support/given.js';
import type { Answer } from '../support/given-shop.js';

/** Sends a file, piece by piece when it is more than one, and gives the answer. */
export async function importCsv(
  app: TestApp,
  user: GivenUser | null,
  pieces: string | Buffer | Iterable<string | Buffer> | AsyncIterable<string | Buffer>,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const whole = typeof pieces === 'string' || Buffer.isBuffer(pieces);
  return new Promise((resolve, reject) => {
    const outgoing = request(
      `${app.url}/api/v1/products/import`,
      { method: 'POST', agent: false, headers: { ...user?.headers, 'Content-Type': 'text/csv', ...headers } },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const body = JSON.parse(Buffer.concat(chunks).toString());
          resolve({ status: incoming.statusCode as number, headers: incoming.headers, body });
        });
      },
    );
    outgoing.on('error', reject);
    const send = async () => {
      for await (const piece of whole ? [pieces] : pieces) {
        if (!outgoing.write(piece)) await new Promise((drained) => outgoing.once('drain', drained));
      }
      outgoing.end();
    };
    send().catch(reject);
  });
}

/** The whole file, as text. */
export async function exportCsv(app: TestApp, user: GivenUser): Promise<string> {
  const answer = await fetch(`${app.url}/api/v1/products/export`, { headers: user.headers });
  if (answer.status !== 200) throw new Error(`${answer.status}: ${await answer.text()}`);
  return answer.text();
}

/** Lines under a header, each a record of cells as they stand in the file. */
export const csvOf = (...lines: string[]): string => `${lines.join('\n')}\n`;

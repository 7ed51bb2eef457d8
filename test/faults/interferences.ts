import { connect as dial } from 'node:net';
import { cut, type Interference, type Link, type TcpProxy } from './proxy.js';

/** How often something was done to the traffic, so that a test can tell that it was done at all. */
export interface Counted {
  count: number;
}

/**
 * Postgres commits, and nobody hears of it: the connection is reset the moment its answer to a COMMIT comes back. Done to
 * the transactions in which the statement of this name has run, or to any; to every `every`th of them, `times` times.
 */
export function loseAnswersToCommits(
  proxy: TcpProxy,
  { statement, times, every }: { statement: string | null; times: number; every: number },
): Counted {
  const lost: Counted = { count: 0 };
  let seen = 0;
  proxy.interfere = () => {
    let hasRun = false;
    let isCommitting = false;
    return {
      onRequest: (bytes) => {
        // Prepared statements are called by their names, of which Bind holds one in plain.
        hasRun ||= statement === null || bytes.includes(`\0${statement}\0`);
        isCommitting = bytes.includes('COMMIT;') && hasRun;
        if (bytes.includes('COMMIT;') || bytes.includes('ROLLBACK;')) hasRun = false;
        return true;
      },
      onAnswer: (_bytes, link) => {
        if (!isCommitting) return true;
        isCommitting = false;
        seen += 1;
        if (lost.count >= times || seen % every !== 0) return true;
        lost.count += 1;
        cut(link);
        return false;
      },
    };
  };
  proxy.reset();
  return lost;
}

/** The gateway gets the request, and whoever has sent it gets a reset instead of an answer. Done to every `every`th request. */
export function resetAfterRequest(proxy: TcpProxy, { every }: { every: number }): Counted {
  const resets: Counted = { count: 0 };
  let seen = 0;
  proxy.interfere = () => ({
    onRequest: (bytes, { client }) => {
      if (!movesMoney(bytes)) return true;
      seen += 1;
      if (seen % every === 0) {
        resets.count += 1;
        // After the bytes have been passed on, and towards the client only: the gateway goes on.
        setImmediate(() => client.resetAndDestroy());
      }
      return true;
    },
  });
  proxy.reset();
  return resets;
}

/**
 * Every `every`th charge or refund reaches the gateway twice, with one key: the second time over a connection of its own. Of the two
 * answers the client hears one, or both, one after the other, on the connection on which it had asked once.
 */
export function sendTwice(
  proxy: TcpProxy,
  gatewayPort: number,
  { every, hear }: { every: number; hear: 'one' | 'both' },
): Counted {
  const sent: Counted = { count: 0 };
  let seen = 0;
  proxy.interfere = () => ({
    onRequest: (bytes, link) => {
      if (!movesMoney(bytes)) return true;
      seen += 1;
      if (seen % every !== 0) return true;
      sent.count += 1;
      sendOnce(bytes, link, gatewayPort, hear);
      return true;
    },
  });
  proxy.reset();
  return sent;
}

function sendOnce(bytes: Buffer, { client }: Link, gatewayPort: number, hear: 'one' | 'both'): void {
  const second = dial(gatewayPort, '127.0.0.1', () => second.write(bytes));
  second.on('error', () => undefined);
  second.once('data', (answer) => {
    if (hear === 'both' && client.writable) client.write(answer);
    second.destroy();
  });
}

const movesMoney = (bytes: Buffer) =>
  /^POST \/v3\/(payments|refunds) /.test(bytes.subarray(0, 32).toString('latin1'));

/** Takes all interference away. */
export function leaveAlone(proxy: TcpProxy): void {
  proxy.interfere = (): Interference => ({});
  proxy.reset();
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LedgerFact } from '../../src/payment/sandbox/sandbox-facts.js';
import { built } from '../support/build.js';

const CREDENTIALS = { YOOKASSA_SHOP_ID: 'shop-1', YOOKASSA_SECRET_KEY: 'test_secret' };

/** What the provider has on record for one order. */
export interface Account {
  captures: number;
  capturedMinor: number;
  refundedMinor: number;
  /** A payment that still waits for its customer. */
  waiting: boolean;
  keys: string[];
}

/** The bundled payment gateway as a process of its own, with a ledger of its own, always on the same port. */
export class GatewayProcess {
  private child: ChildProcess | undefined;
  port = 0;

  private constructor(private readonly folder: string) {}

  static async start(): Promise<GatewayProcess> {
    const gateway = new GatewayProcess(await mkdtemp(join(tmpdir(), 'holdfast-gateway-')));
    await gateway.start();
    return gateway;
  }

  async start(): Promise<void> {
    const { PATH } = process.env;
    const env = {
      PATH,
      ...CREDENTIALS,
      SANDBOX_PORT: String(this.port),
      SANDBOX_LEDGER_FILE: this.ledgerFile,
    };
    const child = spawn(process.execPath, [built('payment/sandbox/main.js')], { env });
    this.child = child;
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    this.port = await new Promise<number>((resolve, reject) => {
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        const port = /http:\/\/127\.0\.0\.1:(\d+)\/v3/.exec(said)?.[1];
        if (port) resolve(Number(port));
      });
      child.once('exit', () => reject(new Error(`the gateway has ended: ${said}`)));
    });
  }

  /** For the service: charge at this port, which may be a proxy's. */
  settings(port: number): Record<string, string> {
    return { PAYMENT_PROVIDER: 'sandbox', YOOKASSA_API_URL: `http://127.0.0.1:${port}/v3`, ...CREDENTIALS };
  }

  /** `kill -9`. Resolves when the process is gone. */
  async kill(): Promise<void> {
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  /** Each order's account, from the ledger file itself: it needs no gateway that answers. */
  async accounts(): Promise<Map<string, Account>> {
    const text = await readFile(this.ledgerFile, 'utf8').catch(() => '');
    // A line that is being written is not true yet.
    const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
    return accountsOf(lines.filter(Boolean).map((line) => JSON.parse(line) as LedgerFact));
  }

  async account(orderId: string): Promise<Account> {
    return (await this.accounts()).get(orderId) ?? emptyAccount();
  }

  async close(): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }

  private get ledgerFile(): string {
    return join(this.folder, 'ledger.jsonl');
  }
}

function accountsOf(facts: LedgerFact[]): Map<string, Account> {
  const accounts = new Map<string, Account>();
  for (const fact of facts) {
    const orderId = fact.order_id ?? 'no order';
    const account = accounts.get(orderId) ?? emptyAccount();
    accounts.set(orderId, account);
    note(fact, account);
  }
  return accounts;
}

function note(fact: LedgerFact, account: Account): void {
  if (fact.fact === 'payment_created') {
    account.keys.push(fact.idempotence_key);
    account.waiting = fact.status === 'pending';
  } else if (fact.fact !== 'refund_succeeded') {
    account.waiting = false;
  }
  const isCaptured =
    fact.fact === 'payment_captured' || (fact.fact === 'payment_created' && fact.status === 'succeeded');
  if (isCaptured) {
    account.captures += 1;
    account.capturedMinor += fact.amount_minor;
  }
  if (fact.fact === 'refund_succeeded') account.refundedMinor += fact.amount_minor;
}

function emptyAccount(): Account {
  return { captures: 0, capturedMinor: 0, refundedMinor: 0, waiting: false, keys: [] };
}

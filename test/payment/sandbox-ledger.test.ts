import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, type FileHandle, open, readFile, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { jest } from '@jest/globals';
import { built } from '../support/build.js';
import { credentials, SandboxFixture, Shop } from './given-sandbox.js';

describe("the sandbox gateway's ledger", () => {
  const sandbox = new SandboxFixture();
  const children: ChildProcess[] = [];

  beforeEach(() => sandbox.prepare());
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await sandbox.cleanUp();
  });

  /** Pays, declines, confirms and refunds, so that every kind of fact is in the ledger. */
  async function givenHistory(shop: Shop): Promise<void> {
    const { body: paid } = await shop.pay('paid');
    await shop.refund('refund', paid.id, '1.00');
    await shop.pay('declined', { payment_token: 'tok_declined' });
    for (const decision of ['approve', 'decline']) {
      const { body } = await shop.pay(decision, { payment_token: 'tok_pending', description: 'a\u2028b' });
      await shop.decide(body.confirmation?.confirmation_url ?? '', decision);
    }
  }

  it('brings everything back after a restart, keys included', async () => {
    const before = await sandbox.start();
    await givenHistory(new Shop(before.url));
    const listing = await new Shop(before.url).ledger();
    const paid = await new Shop(before.url).pay('paid');
    const refund = await new Shop(before.url).refund('refund', paid.body.id, '1.00');
    await before.close();

    const shop = new Shop((await sandbox.start()).url);
    expect(await shop.ledger()).toEqual(listing);
    expect(listing).toMatchObject({ captures: 2, payments: { length: 4 } });
    expect(await shop.pay('paid')).toEqual(paid);
    expect(await shop.refund('refund', paid.body.id, '1.00')).toEqual(refund);
    expect((await shop.pay('paid', { description: 'another' })).status).toBe(400);
    expect((await shop.refund('more', paid.body.id, '11.35')).status).toBe(400);
  });

  it.each(['{"fact":"payment_cre', '\0\0\0\0', '{"fact":\n'])(
    'takes off the torn last line %j',
    async (torn) => {
      const before = await sandbox.start();
      const paid = await new Shop(before.url).pay('k');
      await before.close();
      const whole = await readFile(sandbox.ledgerFile, 'utf8');
      await appendFile(sandbox.ledgerFile, torn);

      const shop = new Shop((await sandbox.start()).url);
      expect(await readFile(sandbox.ledgerFile, 'utf8')).toBe(whole);
      expect(await shop.pay('k')).toEqual(paid);
      await shop.pay('next');
      await expect(sandbox.start()).resolves.toBeDefined();
    },
  );

  it('refuses to start on a ledger that is broken in the middle, and leaves it as it is', async () => {
    const before = await sandbox.start();
    await new Shop(before.url).pay('k');
    await before.close();
    const broken = `oops\n${await readFile(sandbox.ledgerFile, 'utf8')}`;
    await writeFile(sandbox.ledgerFile, broken);
    await expect(sandbox.start()).rejects.toThrow('is no ledger fact');
    expect(await readFile(sandbox.ledgerFile, 'utf8')).toBe(broken);
  });

  it('says nothing, not even by a read, of a charge that the disk did not take', async () => {
    const faults: unknown[] = [];
    const gateway = await sandbox.start({ onFault: (fault) => faults.push(fault) });
    const shop = new Shop(gateway.url);
    const told = await shop.pay('before');
    const flush = await givenFailingDisk();
    expect((await shop.pay('k')).status).toBe(500);
    flush.mockRestore();
    // What the file ends in is not known any more, so the gateway stays down until it has read it again.
    expect((await shop.get(`/v3/payments/${told.body.id}`)).status).toBe(500);
    expect(faults[0]).toMatchObject({ message: 'no space left' });
    await expect(gateway.close()).rejects.toThrow('no space left');

    const again = new Shop((await sandbox.start()).url);
    expect(await again.pay('before')).toEqual(told);
    expect((await again.pay('k')).status).toBe(200);
    expect((await again.ledger('order-of-k')).captures).toBe(1);
  });

  /** Every flush to disk fails from here on, in this process. */
  async function givenFailingDisk() {
    const handle = await open(sandbox.ledgerFile, 'r');
    const disk = Object.getPrototypeOf(handle) as FileHandle;
    await handle.close();
    return jest.spyOn(disk, 'datasync').mockRejectedValue(new Error('no space left'));
  }

  it('frees its file and its port when it ends, hanging requests or not', async () => {
    const gateway = await sandbox.start();
    const hanging = new Shop(gateway.url).pay('k', { payment_token: 'tok_timeout' });
    hanging.catch(() => undefined);
    const shop = new Shop(gateway.url);
    while ((await shop.ledger()).captures === 0);
    await gateway.close();
    await expect(hanging).rejects.toThrow();
    await expect(sandbox.start({ port: gateway.port })).resolves.toMatchObject({ port: gateway.port });
  });

  describe('as a process of its own', () => {
    async function givenProcess(env: NodeJS.ProcessEnv = {}): Promise<{ child: ChildProcess; line: string }> {
      const main = built('payment/sandbox/main.js');
      const child = spawn(process.execPath, [main], {
        env: {
          SANDBOX_PORT: '0',
          SANDBOX_LEDGER_FILE: sandbox.ledgerFile,
          YOOKASSA_SHOP_ID: credentials.shopId,
          YOOKASSA_SECRET_KEY: credentials.secretKey,
          ...env,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      children.push(child);
      const output = [child.stdout, child.stderr].map((stream) => createInterface({ input: stream! }));
      const [line] = (await Promise.race(output.map((lines) => once(lines, 'line')))) as [string];
      return { child, line };
    }

    const urlIn = (line: string) => line.slice(line.indexOf('http'));

    it('survives kill -9 after a charge that nobody was told of: the repeat gets that very charge', async () => {
      const killed = await givenProcess();
      const shop = new Shop(urlIn(killed.line));
      const unanswered = shop.pay('k', { payment_token: 'tok_timeout' });
      unanswered.catch(() => undefined);
      let charged = await shop.ledger('order-of-k');
      while (charged.captures === 0) charged = await shop.ledger('order-of-k');
      killed.child.kill('SIGKILL');
      await once(killed.child, 'exit');
      await expect(unanswered).rejects.toThrow();

      const again = new Shop(urlIn((await givenProcess()).line));
      const repeated = await again.pay('k', { payment_token: 'tok_timeout' });
      expect(repeated).toMatchObject({
        status: 200,
        body: { id: charged.payments[0]?.id, status: 'succeeded' },
      });
      expect(await again.ledger('order-of-k')).toEqual(charged);
    });

    it('loses nothing it acknowledged when it is killed under load', async () => {
      const killed = await givenProcess();
      const shop = new Shop(urlIn(killed.line));
      const acknowledged: string[] = [];
      const buyers = Array.from({ length: 16 }, async (_, buyer) => {
        for (let n = 0; ; n += 1) {
          acknowledged.push((await shop.pay(`${buyer}-${n}`)).body.id);
          if (acknowledged.length === 300) killed.child.kill('SIGKILL');
        }
      });
      await Promise.allSettled(buyers);

      const { payments, captures } = await new Shop(urlIn((await givenProcess()).line)).ledger();
      const kept = new Set(payments.map(({ id }) => id));
      expect(acknowledged.length).toBeGreaterThanOrEqual(300);
      expect(acknowledged.filter((id) => !kept.has(id))).toEqual([]);
      expect(captures).toBe(payments.length);
    });

    it.each(['SIGTERM', 'SIGINT'] as const)('ends cleanly on %s', async (signal) => {
      const { child } = await givenProcess();
      child.kill(signal);
      expect(await once(child, 'exit')).toEqual([0, null]);
    });

    it('says which variable is missing', async () => {
      const { child, line } = await givenProcess({ YOOKASSA_SHOP_ID: '' });
      expect(line).toContain('YOOKASSA_SHOP_ID is missing');
      expect(child.exitCode ?? (await once(child, 'exit'))[0]).toBe(1);
    });
  });
});

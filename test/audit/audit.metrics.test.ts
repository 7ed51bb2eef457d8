import { AuditRepository } from '../../src/audit/audit.repository.js';
import { AuditService } from '../../src/audit/audit.service.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { eventually } from '../support/eventually.js';
import { givenAdmin } from '../support/given.js';
import { scrape } from '../support/scrape.js';

let database: TestDatabase;
let app: TestApp;

beforeEach(async () => {
  database = await cloneDatabase();
});
afterEach(async () => {
  await app.close();
  await database.drop();
});

const boot = async (settings: Record<string, string> = {}) => {
  app = await bootApp(database, settings);
};
const damage = (units: number) =>
  database.sql('UPDATE products SET stock = stock + $1 WHERE id = ANY($2)', [units, [1, 2]]);
const violations = async (check: string) => (await scrape(app)).figure('audit_violations', { check });

describe('a monitor of the audit', () => {
  it('is told nothing before the first', async () => {
    await boot();
    const told = await scrape(app);
    expect(told.figure('audit_violations')).toBe(undefined);
    expect(told.figure('audit_timestamp_seconds')).toBe(undefined);
  });

  it('is told each promise by its name, how many rows break it, and when that was seen', async () => {
    await boot();
    const audits = app.app.get(AuditService);
    await audits.audit();
    expect((await scrape(app)).figure('audit_violations')).toBe(0);
    const before = (await scrape(app)).figure('audit_timestamp_seconds')!;
    expect(Math.abs(before - Date.now() / 1_000)).toBeLessThan(30);

    await damage(+1);
    expect(await violations('stock_equals_ledger')).toBe(0);
    const { checks } = await audits.audit();
    const told = await scrape(app);
    expect(told.figure('audit_violations', { check: 'stock_equals_ledger' })).toBe(2);
    for (const { name, violations } of checks)
      expect([name, told.figure('audit_violations', { check: name })]).toEqual([name, violations]);
    expect(told.figure('audit_timestamp_seconds')).toBeGreaterThan(before);

    await damage(-1);
    await audits.audit();
    expect(await violations('stock_equals_ledger')).toBe(0);
  });

  it('is told what the audit finds that runs by itself', async () => {
    await damage(+1);
    await boot({ AUDIT_SECONDS: '1' });
    await eventually(async () => (await violations('stock_equals_ledger')) === 2);
  });

  it('is told what an admin has found', async () => {
    await boot();
    await damage(+1);
    const { headers } = await givenAdmin(app, database);
    await fetch(`${app.url}/api/v1/inventory/audit`, { headers });
    expect(await violations('stock_equals_ledger')).toBe(2);
  });

  it('sees by its time that no audit could be made since', async () => {
    await boot();
    const audits = app.app.get(AuditService);
    await audits.audit();
    const before = (await scrape(app)).figure('audit_timestamp_seconds');
    app.app.get(AuditRepository).check = async () => {
      throw new Error('the database is away');
    };
    await expect(audits.audit()).rejects.toThrow('away');
    expect((await scrape(app)).figure('audit_timestamp_seconds')).toBe(before);
  });
});

import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { eventually } from '../support/eventually.js';
import { type GivenSandbox, givenSandbox, givenShopper } from '../support/given-shop.js';
import { alerts, dashboard, fenced, questions, runbooks } from './operations.js';
import { Prometheus } from './prometheus.js';

let sandbox: GivenSandbox;
let database: TestDatabase;
let app: TestApp;
let prometheus: Prometheus;

beforeAll(async () => {
  sandbox = await givenSandbox();
  database = await cloneDatabase();
  app = await bootApp(database, { ...sandbox.settings, AUDIT_SECONDS: '1' });
  prometheus = await Prometheus.watching(app.url);
});

afterAll(async () => {
  await prometheus?.stop();
  await app?.close();
  await database?.drop();
  await sandbox?.close();
});

const expressionOf = (name: string) => alerts().find((alert) => alert.name === name)!.expression;
const untilNumber = (expression: string, is: (value: number) => boolean) =>
  eventually(
    async () => {
      const value = await prometheus.number(expression);
      return value !== null && is(value);
    },
    { what: expression, within: 30_000 },
  );

describe('a Prometheus that scrapes the service', () => {
  it('finds it up, and sees an order that is placed and paid', async () => {
    await untilNumber('up{job="holdfast"}', (up) => up === 1);
    const shopper = await givenShopper(app);
    const { id } = await shopper.order([{ product_id: 1, quantity: 1 }]);
    await shopper.pay(id, { payment_token: 'tok_success' });
    await untilNumber('holdfast_placements_total{outcome="placed"}', (placed) => placed === 1);
    await untilNumber('holdfast_order_transitions_total{from="pending",to="paid"}', (paid) => paid === 1);
    await untilNumber('holdfast_payments_total{outcome="succeeded"}', (payments) => payments === 1);
    await untilNumber('sum(holdfast_events_consumed_total{outcome="done"})', (events) => events >= 1);
  });

  it('has the rules, and each of them can be evaluated', async () => {
    const { groups } = await eventually(
      async () => {
        const data = await prometheus.get<{
          groups: { rules: { name: string; health: string; lastError?: string }[] }[];
        }>('rules');
        return data.groups.flatMap(({ rules }) => rules).some(({ health }) => health === 'unknown')
          ? null
          : data;
      },
      { what: 'a first evaluation of all rules', within: 30_000 },
    );
    const rules = groups.flatMap(({ rules }) => rules);
    const names = (of: { name: string }[]) => of.map(({ name }) => name).sort();
    expect(names(rules)).toEqual(names(alerts()));
    for (const { name, health, lastError } of rules)
      expect([name, health, lastError]).toEqual([name, 'ok', undefined]);
  });

  it('can answer whatever the dashboard asks', async () => {
    for (const question of questions(dashboard()))
      expect(Array.isArray(await prometheus.query(question))).toBe(true);
  });

  it('can answer whatever a runbook asks, and so can the database', async () => {
    for (const page of runbooks()) {
      for (const question of fenced(page, 'promql'))
        expect(Array.isArray(await prometheus.query(question))).toBe(true);
      // Without a place for values several statements may be sent at once, and these must change nothing.
      for (const text of fenced(page, 'sql')) await database.sql(`BEGIN READ ONLY; ${text}; COMMIT`);
    }
  });

  it('(control) refuses a question that is none', async () => {
    await expect(prometheus.query('sum by (le (rate(holdfast_placements_total[5m])')).rejects.toThrow(
      'parse error',
    );
  });

  it('alerts when a promise is broken in the tables, and only then', async () => {
    const expression = expressionOf('HoldfastAuditViolation');
    await untilNumber('sum(holdfast_audit_violations)', (violations) => violations === 0);
    expect(await prometheus.query(expression)).toEqual([]);

    await database.sql('UPDATE products SET stock = stock + 1 WHERE id = 2');
    const [broken] = await eventually(
      async () => {
        const found = await prometheus.query(expression);
        return found.length > 0 ? found : null;
      },
      { what: 'the broken promise', within: 30_000 },
    );
    expect(broken).toMatchObject({
      metric: { check: 'stock_equals_ledger' },
      value: [expect.any(Number), '1'],
    });
    const firing =
      'count(ALERTS{alertname="HoldfastAuditViolation",severity="critical",alertstate="firing"})';
    await untilNumber(firing, (alerts) => alerts === 1);

    await database.sql('UPDATE products SET stock = stock - 1 WHERE id = 2');
    await eventually(async () => (await prometheus.query(expression)).length === 0, { within: 30_000 });
  });

  it('sees that nobody answers any more', async () => {
    expect(await prometheus.query(expressionOf('HoldfastDown'))).toEqual([]);
    await app.close();
    await eventually(async () => (await prometheus.query(expressionOf('HoldfastDown'))).length === 1, {
      what: 'the end of the service',
      within: 30_000,
    });
    expect(await prometheus.query(expressionOf('HoldfastInstanceDown'))).toHaveLength(1);
  });
});

import { existsSync, readdirSync } from 'node:fs';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  alerts,
  cases,
  dashboard,
  documented,
  metricsIn,
  pathOf,
  promtool,
  questions,
} from './operations.js';

const RULES = pathOf('deploy/prometheus/alerts.yml');
const CASES = pathOf('deploy/prometheus/alerts.test.yml');

/** As Grafana writes a variable. */
const CHOSEN_SOURCE = '$' + '{datasource}';

const MUST_BE_THERE = [
  'HoldfastOutboxLag',
  'HoldfastOutboxStuck',
  'HoldfastPublishFailures',
  'HoldfastConsumerLag',
  'HoldfastConsumerStuck',
  'HoldfastProductCacheLag',
  'HoldfastHoldsExpiring',
  'HoldfastReservationFailures',
  'HoldfastDeadLetters',
  'HoldfastDeadLettersFlood',
  'HoldfastReservationsSlow',
  'HoldfastInventoryUpdatesSlow',
  'HoldfastLowStock',
  'HoldfastEventFailures',
  'HoldfastEventsSlow',
  'HoldfastAuditViolation',
  'HoldfastPaymentUnknown',
];
/** A state of two values has nothing just above or below it. */
const WITHOUT_THRESHOLD = [
  'HoldfastDown',
  'HoldfastInstanceDown',
  'HoldfastRateLimitRedisDown',
  'HoldfastRestarting',
];

/** The cases, run on rules whose thresholds are moved. @returns the alerts that have failed one. */
async function failedWith(move: (threshold: number) => number): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-alerts-'));
  try {
    const rules = await readFile(RULES, 'utf8');
    const moved = rules.replace(/ > ([\d.]+)$/gm, (_, threshold: string) => ` > ${move(Number(threshold))}`);
    await writeFile(join(folder, 'alerts.yml'), moved);
    await copyFile(CASES, join(folder, 'alerts.test.yml'));
    const { says } = promtool('test', 'rules', join(folder, 'alerts.test.yml'));
    return [...new Set([...says.matchAll(/alertname: (\w+)/g)].map(([, name]) => name as string))].sort();
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Those of these metrics that the service does not serve. */
function unknownOf(metrics: string[]): string[] {
  const told = documented();
  return [...new Set(metrics)].filter((metric) => !told.has(metric));
}

describe('the alerts', () => {
  it('are rules and a configuration that Prometheus takes', () => {
    expect(promtool('check', 'rules', RULES)).toMatchObject({ ok: true });
    expect(promtool('check', 'config', pathOf('deploy/prometheus/prometheus.yml'))).toMatchObject({
      ok: true,
    });
    expect(alerts().map(({ name }) => name)).toEqual(expect.arrayContaining(MUST_BE_THERE));
  });

  it('fire above their thresholds and not below', () => {
    expect(promtool('test', 'rules', CASES)).toEqual({ ok: true, says: expect.stringContaining('SUCCESS') });
    const told = cases();
    for (const { name } of alerts())
      expect([name, told.get(name)]).toEqual([name, { fires: true, isQuiet: true }]);
  });

  it('(control) would fail their cases with thresholds that are a tenth higher, or lower', async () => {
    const withThreshold = alerts()
      .map(({ name }) => name)
      .filter((name) => !WITHOUT_THRESHOLD.includes(name))
      .sort();
    expect(await failedWith((threshold) => (threshold === 0 ? 1 : threshold * 1.1))).toEqual(withThreshold);
    expect(await failedWith((threshold) => (threshold === 0 ? -1 : threshold * 0.9))).toEqual(withThreshold);
  });

  it('say how bad it is, what it is, and what to do', async () => {
    for (const { name, severity, runbook, summary, description } of alerts()) {
      expect([name, severity]).toEqual([name, expect.stringMatching(/^(critical|warning|info)$/)]);
      expect([name, summary, description]).toEqual([name, expect.any(String), expect.any(String)]);
      expect([name, runbook]).toEqual([name, expect.stringMatching(/^docs\/runbooks\/[a-z-]+\.md$/)]);
      const page = existsSync(pathOf(runbook!)) ? await readFile(pathOf(runbook!), 'utf8') : '';
      expect([runbook, page.includes(`\`${name}\``)]).toEqual([runbook, true]);
      for (const part of ['## For customers', '## Look', '## Mend', '## Wake'])
        expect([runbook, part, page.includes(part)]).toEqual([runbook, part, true]);
    }
  });

  it('have no runbook that nobody is sent to', () => {
    const named = new Set(alerts().map(({ runbook }) => runbook));
    const pages = readdirSync(pathOf('docs/runbooks')).filter((page) => page !== 'README.md');
    expect(pages.filter((page) => !named.has(`docs/runbooks/${page}`))).toEqual([]);
  });

  it('go by figures that the service tells, and so do the runbooks', async () => {
    const folder = pathOf('docs/runbooks');
    const pages = await Promise.all(readdirSync(folder).map((page) => readFile(join(folder, page), 'utf8')));
    const named = [...alerts().map(({ expression }) => expression), ...pages].flatMap(metricsIn);
    expect(unknownOf(named)).toEqual([]);
  });
});

describe('the dashboard', () => {
  const { panels, templating, schemaVersion } = dashboard();
  const shown = panels.filter(({ type }) => type !== 'row');

  it('has its rows, and a data source that is chosen', () => {
    expect(schemaVersion).toBeGreaterThanOrEqual(42);
    const rows = panels.filter(({ type }) => type === 'row').map(({ title }) => title);
    expect(rows).toEqual(['Promises', 'Shop', 'Events', 'Service']);
    expect(templating.list.find(({ name }) => name === 'datasource')).toMatchObject({ type: 'datasource' });
  });

  it('says of each panel what it shows, in which unit, from the chosen source', () => {
    for (const { title, description, fieldConfig, datasource, targets } of shown) {
      expect([title, description, fieldConfig?.defaults.unit]).toEqual([
        title,
        expect.any(String),
        expect.any(String),
      ]);
      const sources = [datasource, ...targets!.map((target) => target.datasource)].map(
        (source) => source?.uid,
      );
      expect([title, ...new Set(sources)]).toEqual([title, CHOSEN_SOURCE]);
    }
  });

  it('lays no panel over another', () => {
    const cells = shown.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, n) => `${x + (n % w)} ${y + Math.floor(n / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(Math.max(...shown.map(({ gridPos: { x, w } }) => x + w))).toBeLessThanOrEqual(24);
  });

  it('asks in good PromQL for figures that the service tells', async () => {
    const asked = questions(dashboard());
    expect(unknownOf(asked.flatMap(metricsIn))).toEqual([]);
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-dashboard-'));
    const rules = asked.map((expr, n) => ({ record: `panel:${n}`, expr }));
    // JSON is YAML, so that no question has to be quoted.
    await writeFile(join(folder, 'rules.yml'), JSON.stringify({ groups: [{ name: 'panels', rules }] }));
    expect(promtool('check', 'rules', join(folder, 'rules.yml'))).toMatchObject({ ok: true });
    await rm(folder, { recursive: true });
  });
});

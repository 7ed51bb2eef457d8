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
  runbooks,
} from './operations.js';

const INDEX = 'docs/runbooks/README.md';
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

  it('say how bad it is, what it is, and what to do', () => {
    const pages = new Map(runbooks().map(({ path, text }) => [path, text]));
    for (const { name, severity, runbook, summary, description } of alerts()) {
      expect([name, severity]).toEqual([name, expect.stringMatching(/^(critical|warning|info)$/)]);
      expect([name, summary, description]).toEqual([name, expect.any(String), expect.any(String)]);
      const page = pages.get(runbook ?? '') ?? `${runbook} is not there`;
      for (const part of [`\`${name}\``, '## For customers', '## Look', '## Mend', '## Wake'])
        expect([name, page]).toEqual([name, expect.stringContaining(part)]);
      expect(pages.get(INDEX)).toContain(`| \`${name}\` | ${severity} | [`);
    }
  });

  it('go by figures that the service tells', () => {
    expect(unknownOf(alerts().flatMap(({ expression }) => metricsIn(expression)))).toEqual([]);
  });
});

describe('a runbook', () => {
  it('is one that an alert sends to', () => {
    const named = [INDEX, ...alerts().map(({ runbook }) => runbook)];
    expect(runbooks().filter(({ path }) => !named.includes(path))).toEqual([]);
  });

  it('goes by figures that the service tells', () => {
    expect(unknownOf(runbooks().flatMap(({ text }) => metricsIn(text)))).toEqual([]);
  });

  it('calls routes that there are', async () => {
    const { paths } = JSON.parse(await readFile(pathOf('docs/openapi.json'), 'utf8')) as { paths: object };
    const there = Object.keys(paths).map((path) => path.replace('/api/v1', '').replace(/\{\w+\}/g, ':id'));
    const called = runbooks().flatMap(({ text }) => [
      ...[...text.matchAll(/\$URL(\/[^"?]+)/g)].map(([, path]) => path!.replace('$id', ':id')),
      ...[...text.matchAll(/`(?:GET|POST|PATCH|DELETE) (\/[\w/:-]+)/g)].map(([, path]) => path!),
    ]);
    expect(called.length).toBeGreaterThan(10);
    expect([...new Set(called)].filter((path) => !there.includes(path))).toEqual([]);
  });

  it('leads to pages that there are', () => {
    const paths = runbooks().map(({ path }) => path);
    const linked = runbooks().flatMap(({ text }) => [...text.matchAll(/\]\(([a-z-]+\.md)\)/g)]);
    expect(linked.length).toBeGreaterThan(20);
    expect(linked.map(([, page]) => `docs/runbooks/${page}`).filter((page) => !paths.includes(page))).toEqual(
      [],
    );
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

  it('asks in good PromQL', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-dashboard-'));
    const rules = questions(dashboard()).map((expr, n) => ({ record: `panel:${n}`, expr }));
    // JSON is YAML, so that no question has to be quoted.
    await writeFile(join(folder, 'rules.yml'), JSON.stringify({ groups: [{ name: 'panels', rules }] }));
    expect(promtool('check', 'rules', join(folder, 'rules.yml'))).toMatchObject({ ok: true });
    await rm(folder, { recursive: true });
  });

  it('asks for figures that the service tells', () => {
    expect(unknownOf(questions(dashboard()).flatMap(metricsIn))).toEqual([]);
  });
});

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { program } from './program.js';

/** Of a file in the repository. */
export const pathOf = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const textOf = (path: string) => readFileSync(pathOf(path), 'utf8');

export interface Alert {
  name: string;
  expression: string;
  severity: string | undefined;
  runbook: string | undefined;
  summary: string | undefined;
  description: string | undefined;
}

/** The rules as they stand in the file; that it is a good file is for promtool to say. */
export function alerts(): Alert[] {
  const blocks = textOf('deploy/prometheus/alerts.yml')
    .split(/^ {6}- alert: /m)
    .slice(1);
  return blocks.map((block) => {
    const after = (key: string) => new RegExp(`^ {8,10}${key}: '?(.+?)'?$`, 'm').exec(block)?.[1];
    const expression = /^ {8}expr: (?:\|-\n)?(.*?)^ {8}(?:for|keep_firing_for|labels):/ms.exec(block)?.[1];
    return {
      name: block.slice(0, block.indexOf('\n')),
      expression: expression ?? '',
      severity: after('severity'),
      runbook: after('runbook_url'),
      summary: after('summary'),
      description: after('description'),
    };
  });
}

/** For each alert, whether a case expects it to fire, and whether one expects it not to. */
export function cases(): Map<string, { fires: boolean; isQuiet: boolean }> {
  const found = new Map<string, { fires: boolean; isQuiet: boolean }>();
  const text = textOf('deploy/prometheus/alerts.test.yml');
  for (const [, name = '', quiet] of text.matchAll(
    /- alertname: (\w+)\n +eval_time: \w+\n +exp_alerts:( \[\])?/g,
  )) {
    const before = found.get(name) ?? { fires: false, isQuiet: false };
    found.set(name, { fires: before.fires || !quiet, isQuiet: before.isQuiet || Boolean(quiet) });
  }
  return found;
}

export interface Panel {
  title: string;
  type: string;
  description?: string;
  fieldConfig?: { defaults: { unit?: string } };
  gridPos: { x: number; y: number; w: number; h: number };
  datasource?: { uid: string };
  targets?: { expr: string; datasource: { uid: string } }[];
}

export interface Dashboard {
  schemaVersion: number;
  panels: Panel[];
  templating: { list: { name: string; type: string }[] };
}

export const dashboard = (): Dashboard =>
  JSON.parse(textOf('deploy/grafana/dashboards/holdfast.json')) as Dashboard;

/** What the panels ask Prometheus, with what Grafana fills in. */
export function questions({ panels }: Dashboard): string[] {
  return panels
    .flatMap(({ targets = [] }) => targets)
    .map(({ expr }) => expr.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.*'));
}

/** The metrics that docs/metrics.md tells of, which a test holds against what is served. */
export function documented(): Set<string> {
  return new Set(
    [...textOf('docs/metrics.md').matchAll(/`(holdfast_\w+)/g)].map(([, name]) => name as string),
  );
}

/** The metrics that an expression names, a histogram by its own name. */
export function metricsIn(expression: string): string[] {
  return [...expression.matchAll(/\bholdfast_\w+/g)].map(([name]) =>
    name.replace(/_(bucket|sum|count)$/, ''),
  );
}

export interface Runbook {
  /** Of its file, with the folder. */
  path: string;
  text: string;
}

export function runbooks(): Runbook[] {
  const paths = readdirSync(pathOf('docs/runbooks')).map((page) => `docs/runbooks/${page}`);
  return paths.map((path) => ({ path, text: textOf(path) }));
}

/** What stands in the fences of a kind. */
export const fenced = ({ text }: Runbook, kind: 'sql' | 'promql' | 'sh'): string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${kind}\\n(.*?)^\`\`\``, 'gms'))].map(
    ([, inside]) => inside as string,
  );

/** Runs promtool. `says` is all that it has said. */
export function promtool(...args: string[]): { ok: boolean; says: string } {
  const { status, stdout, stderr } = spawnSync(program('promtool', 'prometheus'), args, { encoding: 'utf8' });
  return { ok: status === 0, says: stdout + stderr };
}

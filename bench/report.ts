import { open, unlink } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Task, TaskName } from './background.js';
import type { Cell, Load } from './cells.js';
import { UNANSWERED } from './closed-loop.js';
import type { RelayCost } from './relay-cost.js';
import type { StockLine } from './stock-lines.js';

const COLUMNS = ['', 'connections', 'per second', 'p50 ms', 'p95 ms', 'p99 ms', 'errors', 'promises'];
const WIDTHS = [16, 11, 10, 7, 7, 7, 12, 8];
const STOCK_COLUMNS = [
  'one caller',
  'p50 ms',
  'p95 ms',
  'by hand p50',
  'p95 ms',
  'p50 ratio',
  'p95 ratio',
  'promises',
];
const STOCK_WIDTHS = [20, 7, 7, 11, 7, 9, 9, 8];
const TASK_COLUMNS = ['all at once', 'how many', 'seconds', 'per second', 'promises'];
const TASK_WIDTHS = [24, 8, 8, 10, 8];
const FLUSHES = 200;

/** The machine, in so far as the figures depend on it. */
export async function describeMachine(folder: string | undefined): Promise<string> {
  const flushMs = await measureFlushMs(folder ?? tmpdir());
  return [
    `${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'}), for the service, Postgres and the load generator together`,
    `Node ${process.version}; one flush of the disk takes ${flushMs.toFixed(2)} ms`,
  ].join('\n');
}

// What one transaction waits for at least, and so what bounds all the others.
async function measureFlushMs(folder: string): Promise<number> {
  const path = join(folder, `holdfast-flush-${process.pid}`);
  const file = await open(path, 'w');
  const page = Buffer.alloc(8_192, 1);
  const start = performance.now();
  for (let flush = 0; flush < FLUSHES; flush += 1) {
    await file.write(page, 0, page.length, 0);
    await file.datasync();
  }
  const took = performance.now() - start;
  await file.close();
  await unlink(path);
  return took / FLUSHES;
}

export const headLine = () => line(COLUMNS, WIDTHS);
export const stockHeadLine = () => `\n${line(STOCK_COLUMNS, STOCK_WIDTHS)}`;
export const taskHeadLine = () => `\n${line(TASK_COLUMNS, TASK_WIDTHS)}`;

export function cellLine({ load, connections, perSecond, p50, p95, p99, errors, broken }: Cell): string {
  const counts = [...errors].map(([status, count]) => `${count}x ${status === UNANSWERED ? 'none' : status}`);
  const faults = counts.join(', ') || '0';
  const [rate, ...latencies] = [perSecond.toFixed(0), ...[p50, p95, p99].map(milliseconds)];
  return line([load, String(connections), rate, ...latencies, faults, keptOf(broken)], WIDTHS);
}

export function relayLine({ on, off, share, broken }: RelayCost): string {
  const rates = `${on.toFixed(0)} a second with the relay, ${off.toFixed(0)} without`;
  return `\norders, hot, 64 connections: ${rates}; it takes ${(100 * share).toFixed(1)} %   ${keptOf(broken)}`;
}

export function stockLine({ load, service, byHand, broken }: StockLine): string {
  const figures = [service.p50, service.p95, byHand.p50, byHand.p95].map(milliseconds);
  const ratios = [service.p50 / byHand.p50, service.p95 / byHand.p95].map((ratio) => ratio.toFixed(2));
  return line([load, ...figures, ...ratios, keptOf(broken)], STOCK_WIDTHS);
}

const TASKS: Record<TaskName, string> = { sweep: 'sweep of overdue holds', events: 'events to a consumer' };

export function taskLine({ name, count, seconds, broken }: Task): string {
  const rate = (count / seconds).toFixed(0);
  return line([TASKS[name], String(count), seconds.toFixed(2), rate, keptOf(broken)], TASK_WIDTHS);
}

const milliseconds = (value: number) => value.toFixed(value < 100 ? 2 : 0);
const keptOf = (broken: string[]) => (broken.length === 0 ? 'kept' : 'BROKEN');

function line(texts: string[], widths: number[]): string {
  return texts
    .map((text, index) => (index === 0 ? text.padEnd(widths[index] ?? 0) : text.padStart(widths[index] ?? 0)))
    .join('  ');
}

/** The figures that were asked for beside those that came out. A cell that was not measured leaves its line out. */
export function compare(cells: Cell[], relay: RelayCost | null, peakMemoryMib: number | null): string[] {
  const at = (load: Load, connections: number) =>
    cells.find((cell) => cell.load === load && cell.connections === connections);
  const ratio = (a: Cell | undefined, b: Cell | undefined) => a && b && a.perSecond / b.perSecond;
  const hot = at('orders, hot', 64);
  const reads = at('nothing, GET', 64);
  return [
    wanted('hot, 64 connections / by hand', ratio(hot, at('by hand, hot', 64)), 'at least', 5, 'x'),
    wanted('hot, 64 connections / nothing', ratio(hot, at('nothing', 64)), 'at least', 0.35, 'x'),
    wanted('spread / hot, 64 connections', ratio(at('orders, spread', 64), hot), 'at least', 1, 'x'),
    wanted('list of 20, 64 / nothing, GET', ratio(at('list of 20', 64), reads), 'at least', 0.6, 'x'),
    wanted('detail, 64 / nothing, GET', ratio(at('detail, hot', 64), reads), 'at least', 0.6, 'x'),
    wanted('median of a single client', at('orders, hot', 1)?.p50, 'under', 3, ' ms'),
    wanted('what the relay takes', relay ? 100 * relay.share : undefined, 'under', 15, ' %'),
    wanted('peak memory of the service', peakMemoryMib ?? undefined, 'under', 250, ' MiB'),
  ].flatMap((text) => text ?? []);
}

function wanted(
  what: string,
  found: number | undefined,
  bound: 'at least' | 'under',
  wish: number,
  unit: string,
): string | null {
  if (found === undefined) return null;
  const ok = bound === 'under' ? found < wish : found >= wish;
  const figure = `${found.toFixed(2)}${unit}`.padStart(12);
  return `${what.padEnd(32)}${figure}   wanted ${`${bound} ${wish}${unit}`.padEnd(16)} ${ok ? 'OK' : 'MISSED'}`;
}

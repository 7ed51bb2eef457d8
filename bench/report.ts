import { open, unlink } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cell, Load } from './cells.js';
import { UNANSWERED } from './closed-loop.js';

const COLUMNS = ['', 'connections', 'per second', 'p50 ms', 'p95 ms', 'p99 ms', 'errors', 'promises'];
const WIDTHS = [16, 11, 10, 7, 7, 7, 12, 8];
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

export const headLine = () => line(COLUMNS);

export function cellLine({ load, connections, perSecond, p50, p95, p99, errors, broken }: Cell): string {
  const ms = (value: number) => value.toFixed(value < 100 ? 2 : 0);
  const counts = [...errors].map(([status, count]) => `${count}x ${status === UNANSWERED ? 'none' : status}`);
  const kept = broken.length === 0 ? 'kept' : 'BROKEN';
  const faults = counts.join(', ') || '0';
  return line([load, String(connections), perSecond.toFixed(0), ms(p50), ms(p95), ms(p99), faults, kept]);
}

function line(texts: string[]): string {
  return texts
    .map((text, index) => (index === 0 ? text.padEnd(WIDTHS[index] ?? 0) : text.padStart(WIDTHS[index] ?? 0)))
    .join('  ');
}

/** The figures that were asked for beside those that came out. A cell that was not measured leaves its line out. */
export function compare(cells: Cell[], peakMemoryMib: number | null): string[] {
  const at = (load: Load, connections: number) =>
    cells.find((cell) => cell.load === load && cell.connections === connections);
  const ratio = (a: Cell | undefined, b: Cell | undefined) => a && b && a.perSecond / b.perSecond;
  const hot = at('orders, hot', 64);
  return [
    wanted('hot, 64 connections / by hand', ratio(hot, at('by hand, hot', 64)), 'at least', 5, 'x'),
    wanted('hot, 64 connections / nothing', ratio(hot, at('nothing', 64)), 'at least', 0.35, 'x'),
    wanted('spread / hot, 64 connections', ratio(at('orders, spread', 64), hot), 'at least', 1, 'x'),
    wanted('median of a single client', at('orders, hot', 1)?.p50, 'under', 3, ' ms'),
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

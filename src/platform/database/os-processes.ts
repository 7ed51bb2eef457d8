import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

const POLL_INTERVAL_MS = 50;

/** Whether the process runs, whoever owns it. A dead one that nobody has collected yet counts as dead. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return statusOf(pid)?.state !== 'Z';
}

/**
 * What tells a process from an earlier one with the same id: its start time in the kernel's own clock.
 * Empty where the system does not show it; then the id alone has to do.
 */
export function birthMarkOf(pid: number): string {
  return statusOf(pid)?.startedTicks ?? '';
}

/** Sends the signal; a process that is gone already is what was wanted. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** True as soon as every one of them has ended; false after the time. */
export async function endWithin(pids: number[], timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (pids.some(isAlive)) {
    if (Date.now() > deadline) return false;
    await pause(POLL_INTERVAL_MS);
  }
  return true;
}

/** The command line of every process that we may see, by its id. A program may have put a title in its place. */
export function commandLines(): Map<number, string> {
  const entries = read(() => readdirSync('/proc'));
  if (entries === null) return commandLinesByPs();
  const pids = entries.filter((entry) => /^\d+$/.test(entry)).map(Number);
  return new Map(pids.map((pid) => [pid, commandLineOf(pid)]));
}

function commandLineOf(pid: number): string {
  const text = read(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? '';
  return text.replaceAll('\0', ' ').trim();
}

function commandLinesByPs(): Map<number, string> {
  const output = execFileSync('ps', ['-axww', '-o', 'pid=,command='], { encoding: 'utf8' });
  const lines = [...output.matchAll(/^\s*(\d+)\s+(.*)$/gm)];
  return new Map(lines.map(([, pid, command]) => [Number(pid), command?.trim() ?? '']));
}

function statusOf(pid: number): { state: string; startedTicks: string } | null {
  const stat = read(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  if (stat === null) return null;
  // The program's name stands in parentheses and may itself hold spaces and parentheses: count from the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', startedTicks: fields[19] ?? '' };
}

function read<T>(look: () => T): T | null {
  try {
    return look();
  } catch {
    return null;
  }
}

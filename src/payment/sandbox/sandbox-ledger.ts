import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { LedgerFact } from './sandbox-facts.js';

/** A line in the middle of the ledger cannot be read. Starting anyway could forget a charge, so nothing starts. */
export class LedgerUnreadable extends Error {
  override readonly name = 'LedgerUnreadable';
}

/**
 * The gateway's append-only file, one JSON fact a line.
 *
 * `append` only queues; `durable` is what makes it true. All that is queued while one write is under way goes to
 * disk together with the next, so the cost of a flush is shared by everyone who waits for it.
 * After a failed write the ledger stays failed: what the file then ends in is known only by reading it again.
 */
export class SandboxLedger {
  private queued: string[] = [];
  private current: Promise<void> = Promise.resolve();
  private next: Promise<void> | null = null;

  private constructor(private readonly file: FileHandle) {}

  /**
   * Opens or creates the file and gives every fact in it to `replay`, oldest first. A last line that a crash cut
   * short was never acknowledged to anyone; it is taken off.
   * @throws LedgerUnreadable when any other line is no fact.
   */
  static async open(path: string, replay: (fact: LedgerFact) => void): Promise<SandboxLedger> {
    const folder = dirname(resolve(path));
    await mkdir(folder, { recursive: true });
    const file = await open(path, 'a');
    try {
      await file.truncate(await replayFile(path, replay));
      await file.sync();
      await syncFolder(folder);
    } catch (error) {
      await file.close();
      throw error;
    }
    return new SandboxLedger(file);
  }

  /** Queues a fact. Nothing that depends on it may leave the house before `durable` resolves. */
  append(fact: LedgerFact): void {
    this.queued.push(`${JSON.stringify(fact)}\n`);
  }

  /** Resolves once all that was appended before this call is on disk; rejects when that cannot be said. */
  durable(): Promise<void> {
    if (this.queued.length > 0) this.next ??= this.current.then(() => this.flush());
    return this.next ?? this.current;
  }

  /** Writes what is queued and closes the file. */
  async close(): Promise<void> {
    try {
      await this.durable();
    } finally {
      await this.file.close();
    }
  }

  private async flush(): Promise<void> {
    this.current = this.next ?? this.current;
    this.next = null;
    const lines = this.queued.join('');
    this.queued = [];
    await this.file.appendFile(lines);
    await this.file.datasync();
  }
}

/** @returns how many bytes of the file are whole lines. */
async function replayFile(path: string, replay: (fact: LedgerFact) => void): Promise<number> {
  let readableBytes = 0;
  let torn = false;
  for await (const line of linesOf(path)) {
    if (torn) throw new LedgerUnreadable(`${path}: the line at byte ${readableBytes} is no ledger fact`);
    const fact = line.whole ? parseFact(line.text) : null;
    if (fact === null) {
      torn = true;
    } else {
      replay(fact);
      readableBytes = line.endsAtByte;
    }
  }
  return readableBytes;
}

interface Line {
  text: string;
  endsAtByte: number;
  whole: boolean;
}

// Split by hand: node:readline also breaks lines at U+2028, which JSON text may hold, and counts no bytes.
async function* linesOf(path: string): AsyncGenerator<Line> {
  let rest: Buffer = Buffer.alloc(0);
  let restStartsAtByte = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    rest = Buffer.concat([rest, chunk as Buffer]);
    let start = 0;
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10, start)) {
      yield { text: rest.toString('utf8', start, end), endsAtByte: restStartsAtByte + end + 1, whole: true };
      start = end + 1;
    }
    rest = rest.subarray(start);
    restStartsAtByte += start;
  }
  if (rest.length > 0) {
    yield { text: rest.toString(), endsAtByte: restStartsAtByte + rest.length, whole: false };
  }
}

const kinds = new Set(['payment_created', 'payment_captured', 'payment_canceled', 'refund_succeeded']);

function parseFact(text: string): LedgerFact | null {
  try {
    const parsed = JSON.parse(text) as LedgerFact | null;
    return parsed !== null && kinds.has(parsed.fact) ? parsed : null;
  } catch {
    return null;
  }
}

/** A new file is only as durable as its folder's entry for it. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

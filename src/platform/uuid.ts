import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

const ID_BYTES = 16;
const SEQUENCE_MAX = 0x7fff_ffff;
const pool = new Uint8Array(ID_BYTES * 256);
let taken = pool.length;
let lastMs = 0;
let sequence = 0;

/**
 * A UUIDv7. Each sorts after all that this process has made before, also within one millisecond: rows that are written
 * together keep the order in which they were made, and new rows go to one end of an index.
 */
export function uuidv7(): string {
  const random = randomBytes();
  const nowMs = Date.now();
  if (nowMs > lastMs) {
    lastMs = nowMs;
    // Half of the range is left to count on from.
    sequence = new DataView(random.buffer, random.byteOffset).getUint32(0) >>> 2;
  } else if (sequence < SEQUENCE_MAX) {
    sequence += 1;
  } else {
    lastMs += 1;
    sequence = 0;
  }
  return v7({ random, msecs: lastMs, seq: sequence });
}

// Asking the system for randomness id by id was half of what an id costs.
function randomBytes(): Uint8Array {
  if (taken === pool.length) {
    randomFillSync(pool);
    taken = 0;
  }
  taken += ID_BYTES;
  return pool.subarray(taken - ID_BYTES, taken);
}

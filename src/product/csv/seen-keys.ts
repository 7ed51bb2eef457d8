import { hash } from 'node:crypto';

const ENTRIES_AT_FIRST = 1 << 12;

/**
 * Which keys there have been already, in sixteen bytes for each however long it is: a file may have hundreds of thousands.
 * Goes by 64 bits of a hash, so a key is mistaken for another once in more files than there will ever be.
 */
export class SeenKeys {
  private slots = new BigUint64Array(ENTRIES_AT_FIRST);
  private count = 0;

  /** @returns false when it was there before. */
  add(key: string): boolean {
    // 0 is an empty slot.
    const entry = hash('md5', key, 'buffer').readBigUInt64LE() || 1n;
    if (!put(this.slots, entry)) return false;
    this.count += 1;
    if (this.count * 2 > this.slots.length) this.grow();
    return true;
  }

  private grow(): void {
    const slots = new BigUint64Array(this.slots.length * 2);
    for (const entry of this.slots) if (entry !== 0n) put(slots, entry);
    this.slots = slots;
  }
}

function put(slots: BigUint64Array, entry: bigint): boolean {
  let place = Number(entry % BigInt(slots.length));
  while (slots[place] !== 0n) {
    if (slots[place] === entry) return false;
    place = (place + 1) % slots.length;
  }
  slots[place] = entry;
  return true;
}

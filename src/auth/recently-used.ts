/**
 * Remembers at least the `limit` / 2 and at most the `limit` entries that were used last.
 *
 * Two generations rather than a list in the order of use: reading a young entry, by far the most frequent thing, writes
 * nothing, and old ones are forgotten all at once.
 */
export class RecentlyUsed<Key, Value> {
  private young = new Map<Key, Value>();
  private old = new Map<Key, Value>();
  private readonly generationMax: number;

  constructor(limit: number) {
    this.generationMax = Math.floor(limit / 2);
  }

  get size(): number {
    return this.young.size + this.old.size;
  }

  get(key: Key): Value | undefined {
    const young = this.young.get(key);
    if (young !== undefined) return young;
    const old = this.old.get(key);
    if (old === undefined) return undefined;
    this.old.delete(key);
    this.set(key, old);
    return old;
  }

  set(key: Key, value: Value): void {
    if (this.young.size >= this.generationMax) {
      this.old = this.young;
      this.young = new Map();
    }
    this.young.set(key, value);
  }
}

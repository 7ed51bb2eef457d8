import { createHash } from 'node:crypto';

/**
 * Everything random in a run, from `FAULT_SEED` and a name. The same seed gives the same choices; how processes and the
 * network interleave is theirs, and not repeated.
 */
export class Chance {
  private state: number;

  constructor(private readonly name: string) {
    const seed = process.env.FAULT_SEED;
    if (!seed) throw new Error('FAULT_SEED is missing: jest.faults.config.js makes one');
    this.state = createHash('sha256').update(`${seed}/${name}`).digest().readUInt32BE();
  }

  /** A chance of its own for a part: what others draw does not change what it draws. */
  of(part: string | number): Chance {
    return new Chance(`${this.name}/${part}`);
  }

  /** A whole number, both ends included. */
  between(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  /** True so often, of 1. */
  happens(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of them, each as often as its weight, a whole number, says. */
  oneOf<Name extends string>(weights: Record<Name, number>): Name {
    const names = Object.keys(weights) as Name[];
    const wheel = names.flatMap((name) => Array<Name>(weights[name]).fill(name));
    return wheel[this.between(0, wheel.length - 1)] as Name;
  }

  // mulberry32
  private next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }
}

import { hash } from 'node:crypto';

/** Up to here the visitors themselves are kept, and their number is exact. */
export const EXACT_VISITORS = 128;
/** 2^12 registers: one standard error is 1.04 / √4096 = 1.6 %. */
const INDEX_BITS = 12;
const REGISTERS = 2 ** INDEX_BITS;
const RANK_BITS = 64 - INDEX_BITS;
const HASH_BYTES = 8;
/** The first byte of an encoded sketch says what follows: 8 bytes a visitor, or one byte a register. */
const EXACT = 1;
const REGISTERED = 2;

/**
 * The distinct visitors of a window in at most 4 KB: exact up to EXACT_VISITORS, beyond that a HyperLogLog (Flajolet et
 * al. 2007, with the estimator of Ertl 2017, "New cardinality estimation algorithms for HyperLogLog sketches", which is
 * unbiased over the whole range). The sketch of a union is the union of sketches, in any order, so that an hour, a day
 * and a set of codes can be added up without counting anybody twice.
 */
export class VisitorSketch {
  private hashes: Set<string> | undefined = new Set();
  private registers: Uint8Array | undefined;

  get isEmpty(): boolean {
    return this.hashes?.size === 0;
  }

  /** @param visitor as in the event: 16 hex digits of a hash; any other text is hashed */
  add(visitor: string): void {
    this.addHash(/^[0-9a-f]{16}$/.test(visitor) ? visitor : hash('sha256', visitor, 'hex').slice(0, 16));
  }

  /** Makes this one the sketch of both. */
  merge(other: VisitorSketch): void {
    if (other.hashes) {
      for (const known of other.hashes) this.addHash(known);
      return;
    }
    const registers = this.toRegisters();
    const others = other.registers ?? registers;
    // A time of hundreds of windows comes by here millions of times; forEach takes several times as long.
    for (let index = 0; index < REGISTERS; index += 1) {
      const rank = others[index] ?? 0;
      if (rank > (registers[index] ?? 0)) registers[index] = rank;
    }
  }

  /** @returns how many visitors there were, as a whole number */
  count(): number {
    return this.hashes?.size ?? Math.round(estimate(this.registers ?? new Uint8Array(REGISTERS)));
  }

  /** @returns the same bytes for the same visitors, whatever the order in which they came; undefined for none */
  encode(): Buffer | undefined {
    if (this.isEmpty) return undefined;
    if (this.registers) return Buffer.concat([Buffer.of(REGISTERED), this.registers]);
    const inOrder = [...(this.hashes ?? [])].toSorted();
    return Buffer.concat([Buffer.of(EXACT), Buffer.from(inOrder.join(''), 'hex')]);
  }

  static decode(bytes: Buffer | null): VisitorSketch {
    const sketch = new VisitorSketch();
    if (!bytes) return sketch;
    if (bytes[0] === REGISTERED) {
      sketch.hashes = undefined;
      sketch.registers = Uint8Array.from(bytes.subarray(1));
      return sketch;
    }
    const digits = bytes.toString('hex', 1);
    for (let at = 0; at < digits.length; at += 2 * HASH_BYTES) sketch.addHash(digits.slice(at, at + 2 * HASH_BYTES));
    return sketch;
  }

  private addHash(digits: string): void {
    if (!this.hashes) return register(this.registers ?? new Uint8Array(REGISTERS), digits);
    this.hashes.add(digits);
    if (this.hashes.size > EXACT_VISITORS) this.toRegisters();
  }

  private toRegisters(): Uint8Array {
    const registers = (this.registers ??= new Uint8Array(REGISTERS));
    for (const digits of this.hashes ?? []) register(registers, digits);
    this.hashes = undefined;
    return registers;
  }
}

/** The first bits choose a register, which keeps the longest run of zeros that the other 52 bits began with, plus one. */
function register(registers: Uint8Array, digits: string): void {
  const high = Number.parseInt(digits.slice(0, 8), 16);
  const low = Number.parseInt(digits.slice(8), 16);
  const index = high >>> (32 - INDEX_BITS);
  const rest = (high << INDEX_BITS) >>> 0;
  const zeros = rest === 0 ? 32 - INDEX_BITS + Math.clz32(low) : Math.clz32(rest);
  const rank = Math.min(zeros, RANK_BITS) + 1;
  if (rank > (registers[index] ?? 0)) registers[index] = rank;
}

/** Ertl 2017, algorithm 6. */
function estimate(registers: Uint8Array): number {
  const histogram = Array.from({ length: RANK_BITS + 2 }, () => 0);
  for (const rank of registers) histogram[rank] = (histogram[rank] ?? 0) + 1;
  let z = REGISTERS * tau(1 - (histogram[RANK_BITS + 1] ?? 0) / REGISTERS);
  for (let rank = RANK_BITS; rank >= 1; rank -= 1) z = (z + (histogram[rank] ?? 0)) / 2;
  z += REGISTERS * sigma((histogram[0] ?? 0) / REGISTERS);
  return (REGISTERS * REGISTERS) / (2 * Math.LN2 * z);
}

function sigma(start: number): number {
  if (start === 1) return Infinity;
  let [x, y, z, before] = [start, 1, start, -1];
  while (z !== before) {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  }
  return z;
}

function tau(start: number): number {
  if (start === 0 || start === 1) return 0;
  let [x, y, z, before] = [start, 1, 1 - start, -1];
  while (z !== before) {
    x = Math.sqrt(x);
    before = z;
    y /= 2;
    z -= (1 - x) ** 2 * y;
  }
  return z / 3;
}

import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

const ID_BYTES = 16;
/** Randomness is asked for so many ids at a time: each question costs as much as ten ids. */
const pool = Buffer.alloc(ID_BYTES * 256);
let used = pool.length;
let milliseconds = 0;
let sequence = 0;

/**
 * A UUIDv7 (RFC 9562 §5.7): sorts by time of creation, so that indexes on it stay compact; those of one process sort in
 * the order of their making (§6.2, method 1).
 */
export function newId(): string {
  const random = nextRandom();
  const now = Date.now();
  if (now > milliseconds) {
    milliseconds = now;
    sequence = random.readUInt32BE(6) >>> 1;
  } else {
    sequence = (sequence + 1) | 0;
    if (sequence === 0) milliseconds += 1;
  }
  return v7({ random, msecs: milliseconds, seq: sequence });
}

function nextRandom(): Buffer {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  return pool.subarray(used, (used += ID_BYTES));
}

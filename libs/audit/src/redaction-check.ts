import type { AuditEntry } from '@signet/contracts';
import { hashJson, type ChainProblem } from './chain.js';

/**
 * A redacted entry keeps the hash of the whole one, which nobody can compute any more. It stands while a later
 * `subject.erase`, itself whole and chained, says that it redacted it, and what it left: whoever alters an entry, or what
 * is left of one, cannot pass that off as an erasure.
 */
export class RedactionCheck {
  /** By `seq` the hashes of what is left of entries for which no erasure was seen yet. */
  private readonly unexplained = new Map<number, string>();

  /** The next entry, whose place in the chain adds up. @returns what is wrong with those that it says it redacted */
  accept(entry: AuditEntry): ChainProblem | undefined {
    if (entry.redacted) {
      this.unexplained.set(entry.seq, hashJson(entry));
      return undefined;
    }
    if (entry.action !== 'subject.erase') return undefined;
    for (const [named, left] of Object.entries(entry.erased ?? {})) {
      const seq = Number(named);
      // One that was read whole before it was redacted proved itself.
      const found = this.unexplained.get(seq);
      if (found !== undefined && found !== left)
        return { brokenAt: seq, problem: `entry ${seq} was altered after entry ${entry.seq} had redacted it` };
      this.unexplained.delete(seq);
    }
    return undefined;
  }

  /** After the last entry. @returns the first that nothing explains */
  end(): ChainProblem | undefined {
    const [seq] = this.unexplained.keys();
    return seq === undefined
      ? undefined
      : { brokenAt: seq, problem: `entry ${seq} is redacted, and no erasure after it says so` };
  }
}

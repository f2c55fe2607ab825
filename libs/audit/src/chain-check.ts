import type { AuditCheckpoint, AuditEntry } from '@signet/contracts';
import { checkEntry, GENESIS, type ChainProblem, type Head } from './chain.js';
import { checkCheckpoint, type CheckpointKeys } from './checkpoint.js';
import { RedactionCheck } from './redaction-check.js';

/**
 * Follows one chain from its first entry on, and holds it against signed checkpoints: who rewrites all of it, or cuts its
 * tail, cannot sign what comes out. A redacted entry needs an erasure behind it that says so.
 */
export class ChainCheck {
  /** The last entry that added up. */
  head: Head = { seq: 0, hash: GENESIS };
  /** How many checkpoints the chain agreed with. */
  agreed = 0;
  private readonly waiting: AuditCheckpoint[];
  private readonly redactions = new RedactionCheck();

  constructor(
    checkpoints: readonly AuditCheckpoint[],
    private readonly keys: CheckpointKeys,
  ) {
    this.waiting = checkpoints.toSorted((a, b) => a.seq - b.seq);
  }

  /** The next entry. @returns what is wrong with it */
  accept(entry: AuditEntry): ChainProblem | undefined {
    const problem = checkEntry(entry, this.head);
    if (problem) return this.broken(problem);
    const forged = this.compare(entry);
    if (forged) return this.broken(forged);
    this.head = entry;
    return this.redactions.accept(entry);
  }

  /** After the last entry. @returns what is missing behind it */
  end(): ChainProblem | undefined {
    const [missing] = this.waiting.slice(-1);
    if (!missing) return this.redactions.end();
    const forged = checkCheckpoint(missing, this.keys);
    return this.broken(
      forged ?? `the log ends at entry ${this.head.seq}, and entry ${missing.seq} was there at ${missing.at}`,
    );
  }

  private compare({ seq, hash }: AuditEntry): string | undefined {
    for (; this.waiting[0]?.seq === seq; this.agreed += 1) {
      const [checkpoint] = this.waiting;
      const forged = checkCheckpoint(checkpoint, this.keys);
      if (forged) return forged;
      if (checkpoint.hash !== hash) return `entry ${seq} is not the one that was there at ${checkpoint.at}`;
      this.waiting.shift();
    }
    return undefined;
  }

  private broken(problem: string): ChainProblem {
    return { brokenAt: this.head.seq + 1, problem };
  }
}

import type { AuditCheckpoint, AuditEntry } from '@signet/contracts';
import { checkEntry, START, type ChainProblem, type Head } from './chain.js';
import { checkCheckpoint, type CheckpointKeys } from './checkpoint.js';
import { RedactionCheck } from './redaction-check.js';

/**
 * Follows one chain from the first entry that there is, and holds it against signed checkpoints: who rewrites all of it, or
 * cuts its tail, cannot sign what comes out. A redacted entry needs an erasure behind it that says so, and a chain that
 * does not begin with entry 1 a cut.
 */
export class ChainCheck {
  /** The last entry that added up. */
  head: Head = START;
  /** How many checkpoints the chain agreed with. */
  agreed = 0;
  /** What the chain continues: where it was cut, if it does not begin with entry 1. */
  private start: Head = this.head;
  private isStartExplained = true;
  private waiting: AuditCheckpoint[];
  private readonly redactions = new RedactionCheck();

  constructor(
    checkpoints: readonly AuditCheckpoint[],
    private readonly keys: CheckpointKeys,
  ) {
    this.waiting = checkpoints.toSorted((a, b) => a.seq - b.seq);
  }

  /** The entry after which the chain begins; 0: nothing was cut off. */
  get cutAt(): number {
    return this.start.seq;
  }

  /** The next entry. @returns what is wrong with it */
  accept(entry: AuditEntry): ChainProblem | undefined {
    const problem = this.begin(entry) ?? checkEntry(entry, this.head);
    if (problem) return this.broken(problem);
    const forged = this.compare(entry);
    if (forged) return this.broken(forged);
    this.head = entry;
    this.isStartExplained ||= isCut(entry, this.start);
    return this.redactions.accept(entry);
  }

  /** The first one may continue what was cut off, where a checkpoint was signed. */
  private begin({ seq, prevHash }: AuditEntry): string | undefined {
    if (this.head.seq > 0 || seq <= 1) return undefined;
    const hasCheckpoints = this.waiting.length > 0;
    this.waiting = this.waiting.filter((checkpoint) => checkpoint.seq >= seq - 1);
    this.start = this.head = { seq: seq - 1, hash: prevHash };
    this.isStartExplained = false;
    if (hasCheckpoints && this.waiting[0]?.seq !== this.cutAt)
      return `the log begins after entry ${this.cutAt}, and no signed checkpoint is of that one`;
    return this.compare(this.start);
  }

  /** After the last entry. @returns what is missing behind it */
  end(): ChainProblem | undefined {
    if (!this.isStartExplained)
      return {
        brokenAt: this.cutAt,
        problem: `the log begins after entry ${this.cutAt}, and none says that it was cut`,
      };
    const [missing] = this.waiting.slice(-1);
    if (!missing) return this.redactions.end();
    const forged = checkCheckpoint(missing, this.keys);
    return this.broken(
      forged ?? `the log ends at entry ${this.head.seq}, and entry ${missing.seq} was there at ${missing.at}`,
    );
  }

  private compare({ seq, hash }: Head): string | undefined {
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

const isCut = ({ action, cut, redacted }: AuditEntry, { seq, hash }: Head): boolean =>
  action === 'audit.cut' && !redacted && cut?.[String(seq)] === hash;

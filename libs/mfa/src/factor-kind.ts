import type { EntityManager } from 'typeorm';
import type { FactorType, StoredFactor } from './factor.js';

export interface CodeAttempt {
  /** Absent for a name that is nobody's. */
  subjectId: string | undefined;
  /** The active factors of this kind; none of them: the same work is done for nothing, in about the same time. */
  candidates: readonly StoredFactor[];
  /** As it was typed. */
  code: string;
  at: Date;
  /** From where, as the factor keeps it: truncated. */
  ip: string | undefined;
  country: string | undefined;
  /** How many TOTP steps before the current one count. */
  pastSteps: 0 | 1;
}

export type CodeCheck =
  /** `isCurrent`: a code of this very moment, not of a step that is over, and none that was written down before. */
  | { result: 'accepted'; factorId: string; isCurrent: boolean }
  /** Right, but used before: no failure, and no success either. */
  | { result: 'replayed'; factorId: string }
  | { result: 'invalid' };

/** How the codes of one kind of factor are checked. */
export interface FactorKind {
  readonly type: FactorType;
  /**
   * Evaluates each code against all of its candidates and, where it is right, uses it up in the database, which decides;
   * the factor keeps when and from where, and forgets its failures.
   * @param manager of a transaction that holds the lock of the attempts' subjects, each of which is there once
   * @returns in the order of the attempts
   */
  check(manager: EntityManager, attempts: readonly CodeAttempt[]): Promise<CodeCheck[]>;
}

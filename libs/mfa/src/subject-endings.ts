import type { Offboarded } from '@signet/contracts';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Doing } from './factor-enrollment.js';
import type { StoredSubject } from './subject.js';

type Counts = Partial<Omit<Offboarded, 'propagation'>>;

/** What a context ended. `afterCommit` brings it to where the transaction does not reach, and says whether it got there. */
export interface Ended extends Counts {
  afterCommit?: () => Promise<Offboarded['propagation']>;
}

/**
 * Ends what a context holds of a subject, for good: with its audit entries and events, in a transaction that holds the
 * subject's lock.
 */
export type EndOfSubject = (
  manager: EntityManager,
  ending: { subject: StoredSubject; reason: string; doing: Doing },
) => Promise<Ended>;

/** The contexts that hold something of subjects, and end it with them: each says how, once, at its start. */
@Injectable()
export class SubjectEndings {
  private readonly ends: EndOfSubject[] = [];

  register(end: EndOfSubject): void {
    this.ends.push(end);
  }

  /** One after the other: they share the transaction's connection. */
  async endAll(...given: Parameters<EndOfSubject>): Promise<Ended[]> {
    const ended: Ended[] = [];
    for (const end of this.ends) ended.push(await end(...given));
    return ended;
  }
}

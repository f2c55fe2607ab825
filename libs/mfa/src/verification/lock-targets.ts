import type { EntityManager } from 'typeorm';
import { lockSubjects, type DemandedSubject, type SubjectName } from '../subjects.sql.js';
import type { Throttle } from '../throttle.js';
import { lockStrangers } from '../throttle.sql.js';
import { nameOf, type Attempt } from './attempt.js';

/** An attempt under the lock of whose it is. `subject` is absent for a name that is nobody's. */
export interface LockedAttempt {
  attempt: Attempt;
  subject: DemandedSubject | undefined;
  throttle: Throttle;
}

const keyOf = ({ workspaceId, subject }: SubjectName): string => `${workspaceId} ${subject}`;

/**
 * Attempts of one subject are decided one after the other, also across instances: of those here no two are of the same.
 * A name that is nobody's is locked and throttled the same way, else the throttle would tell who exists (ASVS 6.3.8).
 */
export async function lockTargets<Asked extends { attempt: Attempt }>(
  manager: EntityManager,
  asked: readonly Asked[],
): Promise<(Asked & LockedAttempt)[]> {
  const attempts = asked.map(({ attempt }) => attempt);
  const at = attempts[0]?.at ?? new Date(0);
  const found = await lockSubjects(manager, attempts.map(nameOf), at);
  const subjects = new Map(found.map((subject) => [keyOf(subject), subject]));
  const strange = attempts.filter((attempt) => !subjects.has(keyOf(nameOf(attempt))));
  const throttles = new Map<string, Throttle>(
    (await lockStrangers(manager, strange.map(nameOf), at)).map((stranger) => [keyOf(stranger), stranger]),
  );
  return asked.map((one) => {
    const key = keyOf(nameOf(one.attempt));
    const subject = subjects.get(key);
    return { ...one, subject, throttle: subject ?? throttles.get(key) ?? { failures: 0, waitUntil: null } };
  });
}

import type { EnrollmentStepUp } from '@signet/contracts';
import { SignetError } from '@signet/platform';
import type { EntityManager } from 'typeorm';
import { countStandingFactors, isFreshlyVerified } from './further-factor.sql.js';
import type { StoredSubject } from './subject.js';

/**
 * Whoever has a factor, recovery codes or a locked one included, is given a further one for a verified factor or for a
 * reason that somebody stands for: else a stolen password, or a call to the help desk, would add the thief's phone
 * beside the owner's (security.md §4, NIST SP 800-63B-4 §4.1.2.1). For a transaction that holds the subject's lock.
 * @returns what the audit log is to say of it; undefined for a first factor
 * @throws SignetError `step-up-required`
 */
export async function checkFurtherFactor(
  manager: EntityManager,
  subject: Pick<StoredSubject, 'id'>,
  { stepUp, at }: { stepUp: EnrollmentStepUp | undefined; at: Date },
): Promise<string | undefined> {
  if ((await countStandingFactors(manager, subject.id)) === 0) return undefined;
  if (!stepUp)
    throw new SignetError('step-up-required', { detail: 'Send `stepUp: {verificationId}` or `stepUp: {reason}`' });
  if ('reason' in stepUp) return stepUp.reason;
  const { verificationId } = stepUp;
  if (!(await isFreshlyVerified(manager, { verificationId, subjectId: subject.id, at })))
    throw new SignetError('step-up-required', {
      detail: 'The verification is not an accepted one of this subject, of the last five minutes, by an active factor',
    });
  return `verification ${verificationId}`;
}

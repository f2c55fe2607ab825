import type { EnrollmentEvent, GuessingData } from '@signet/contracts';
import { inWords, type Finding } from './finding.js';

const TRIES: Readonly<Record<GuessingData['kind'], string>> = {
  slug: 'asked for slugs that do not exist',
  password: 'tried wrong passwords of a code',
  claim: 'tried to claim a code',
};

/** @returns undefined where nobody's codes were tried */
export function judgeGuessing({ id, data }: { id: string; data: GuessingData }): Finding | undefined {
  const { workspaceId, codeId, ip, kind, count, limit, windowSeconds, to } = data;
  if (workspaceId === undefined) return undefined;
  const who = ip === undefined ? 'Many addresses together' : `Somebody in ${ip}`;
  return {
    rule: 'guessing',
    workspaceId,
    matter: [kind, codeId, ip].filter((part) => part !== undefined).join(' '),
    sentence: `${who} ${TRIES[kind]} ${count} times within ${inWords(windowSeconds * 1000)}; the limit is ${limit}.`,
    signal: `tries of kind ${kind} in a window of the limit`,
    numbers: { tries: count, windowSeconds },
    threshold: { tries: limit },
    evidence: [id],
    ...(codeId !== undefined && { codeId }),
    ...(ip !== undefined && { network: ip }),
    at: Date.parse(to),
  };
}

/** Who reloads what they claimed themselves is no stranger. */
export function judgeRefusedClaim({ id, data }: Pick<EnrollmentEvent, 'id' | 'data'>): Finding | undefined {
  if (data.sameVisitor) return undefined;
  const { workspaceId, subject, codeId, enrollmentId, ip, claimedAt, at } = data;
  const after =
    claimedAt === undefined ? '' : ` ${inWords(Date.parse(at) - Date.parse(claimedAt))} after it was claimed`;
  return {
    rule: 'claim_refused',
    workspaceId,
    matter: enrollmentId ?? codeId ?? subject,
    sentence: `Somebody else opened the enrollment link of ${subject}${after}: another person holds a copy of it, and one of the two is not ${subject}.`,
    signal: 'claims of an enrollment that was claimed by somebody else',
    numbers: { claims: 1 },
    threshold: { claims: 1 },
    evidence: [id],
    subject,
    ...(codeId !== undefined && { codeId }),
    ...(ip !== undefined && { network: ip }),
    at: Date.parse(at),
  };
}

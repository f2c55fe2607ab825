import type { AnomalyRuleSet } from '@signet/contracts';
import { judgeScan, newCodeProfile, silenceOf, silentAt, type CodeProfile, type Scan } from './code-profile.js';
import { judgeFailures, type FailureScope } from './failures.js';
import type { Finding } from './finding.js';
import { newRate, type Rate } from './rate.js';
import { judgeAttempt, newSubjectProfile, type Attempt, type SubjectProfile } from './subject-profile.js';

/** What something is known of. */
export interface ProfileKey {
  workspaceId: string;
  scope: 'subject' | 'code' | `${FailureScope}_failures`;
  /** A name of the scope: subject, code id, network; the workspace itself has none. */
  name: string;
}
export type Profile = SubjectProfile | CodeProfile | Rate;

export const textOf = ({ workspaceId, scope, name }: ProfileKey): string => `${workspaceId} ${scope} ${name}`;

/** What is known, while it is looked at. */
export class Profiles {
  private readonly known = new Map<string, { key: ProfileKey; profile: Profile }>();

  set(key: ProfileKey, profile: Profile): void {
    this.known.set(textOf(key), { key, profile });
  }

  get all(): IterableIterator<{ key: ProfileKey; profile: Profile }> {
    return this.known.values();
  }

  /** What is known, or the beginning of it. */
  of(key: ProfileKey & { scope: 'subject' }): SubjectProfile;
  of(key: ProfileKey & { scope: 'code' }): CodeProfile;
  of(key: ProfileKey & { scope: `${FailureScope}_failures` }): Rate;
  of(key: ProfileKey): Profile {
    const text = textOf(key);
    const found = this.known.get(text);
    if (found) return found.profile;
    const profile = key.scope === 'subject' ? newSubjectProfile() : key.scope === 'code' ? newCodeProfile() : newRate();
    this.known.set(text, { key, profile });
    return profile;
  }
}

/** Of whom rejected verifications are counted together, with what each is called. */
function failureScopes({ data }: Attempt): [FailureScope, string][] {
  const scopes: [FailureScope, string | undefined][] = [
    ['code', data.codeId],
    ['network', data.ip],
    ['workspace', ''],
  ];
  return scopes.flatMap(([scope, name]) => (name === undefined ? [] : [[scope, name]]));
}

/** @returns the profiles that judging the attempt needs */
export function keysOfAttempt(attempt: Attempt): ProfileKey[] {
  const { workspaceId, subject, result, reason } = attempt.data;
  // A name that is nobody's has no profile: whoever makes names up would fill the table.
  const keys: ProfileKey[] = reason === 'unknown_subject' ? [] : [{ workspaceId, scope: 'subject', name: subject }];
  if (result !== 'rejected') return keys;
  const failures = failureScopes(attempt).map(
    ([scope, name]) => ({ workspaceId, scope: `${scope}_failures`, name }) as const,
  );
  return [...keys, ...failures];
}

export const keyOfScan = ({ workspaceId, codeId }: Scan): ProfileKey & { scope: 'code' } => ({
  workspaceId,
  scope: 'code',
  name: codeId,
});

/** @returns what is unusual about a verification; the profiles are what they are after it */
export function watchAttempt(profiles: Profiles, attempt: Attempt, rules: AnomalyRuleSet): Finding[] {
  const { workspaceId, subject, result, reason } = attempt.data;
  const findings =
    reason === 'unknown_subject'
      ? []
      : judgeAttempt(profiles.of({ workspaceId, scope: 'subject', name: subject }), attempt, rules);
  if (result !== 'rejected') return findings;
  for (const [scope, name] of failureScopes(attempt)) {
    const rate = profiles.of({ workspaceId, scope: `${scope}_failures`, name });
    findings.push(...judgeFailures(rate, { attempt, scope, name }, rules));
  }
  return findings;
}

/** @returns what is unusual about a scan of a person, and whether a silence is over that was told of */
export function watchScan(
  profiles: Profiles,
  scan: Scan,
  rules: AnomalyRuleSet,
): { findings: Finding[]; isSilenceOver: boolean } {
  const profile = profiles.of(keyOfScan(scan));
  const wasSilent = profile.silent === true;
  const findings = judgeScan(profile, scan, rules);
  return { findings, isSilenceOver: wasSilent && profile.silent !== true };
}

/** Whether the code has been silent for too long by now: told once, until it is scanned again. */
export function watchSilence(
  profile: CodeProfile,
  of: { codeId: string; workspaceId: string; now: number },
  rules: AnomalyRuleSet,
): Finding | undefined {
  const due = silentAt(profile, rules);
  if (due === undefined || due > of.now) return undefined;
  profile.silent = true;
  return silenceOf(profile, of, rules);
}

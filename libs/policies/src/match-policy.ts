import type { PolicyContext, PolicyMatch } from '@signet/contracts';
import { isInNetworks } from './networks.js';

export interface MatchedSubject {
  subject: string;
  groups: readonly string[];
  roles: readonly string[];
}

/** Whether a policy is for somebody, and why or why not, as the end of a sentence about it. */
export interface Match {
  matched: boolean;
  because: string;
}

/** Who: in any of subjects, roles and groups, or everybody where none is given; and in one of the networks, if any. */
export function matchPolicy(match: PolicyMatch, subject: MatchedSubject, { ip }: PolicyContext): Match {
  const who = whoMatches(match, subject);
  if (!who) return { matched: false, because: 'the subject is none of those whom it names' };
  if (!match.networks) return { matched: true, because: who };
  if (!ip) return { matched: false, because: 'it is for some networks, and the address is not known' };
  if (!isInNetworks(ip, match.networks)) return { matched: false, because: 'the address is in none of its networks' };
  return { matched: true, because: `${who} in its networks` };
}

function whoMatches({ subjects, roles, groups }: PolicyMatch, subject: MatchedSubject): string | undefined {
  if (!subjects && !roles && !groups) return 'everybody';
  if (subjects?.includes(subject.subject)) return 'the subject by name';
  const role = roles?.find((name) => subject.roles.includes(name));
  if (role !== undefined) return `role \`${role}\``;
  const group = groups?.find((name) => subject.groups.includes(name));
  return group === undefined ? undefined : `group \`${group}\``;
}

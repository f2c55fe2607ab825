import type { AnomalyRuleSet, VerificationData } from '@signet/contracts';
import { DAY_MS, HOUR_MS, inWords, rounded, type Finding } from './finding.js';
import { count, newRate, type Rate } from './rate.js';
import { hasSeen, sayList, see, type Seen } from './seen.js';
import { kilometresBetween } from './territory.js';

/** What is known of a subject, learned from accepted verifications only. Plain JSON. */
export interface SubjectProfile {
  successes: number;
  /** The first of them, epoch milliseconds. */
  since: number;
  devices: Seen;
  countries: Seen;
  /** By hour of the day, UTC. */
  hours: number[];
  /** Where and when the last one was. */
  last?: { country: string; at: number; id: string };
  failures: Rate;
}

export interface Attempt {
  id: string;
  at: number;
  data: VerificationData;
}

export const newSubjectProfile = (): SubjectProfile => ({
  successes: 0,
  since: 0,
  devices: [],
  countries: [],
  hours: Array.from({ length: 24 }, () => 0),
  failures: newRate(),
});

export const FAILURE_WINDOW_MS = 5 * 60_000;
/** Two events within a minute are taken for a minute apart: clocks differ. */
const LEAST_MS = 60_000;

/** @returns what is unusual about the attempt; the profile is what it is after it */
export function judgeAttempt(profile: SubjectProfile, attempt: Attempt, rules: AnomalyRuleSet): Finding[] {
  if (attempt.data.result === 'rejected') return judgeFailure(profile, attempt, rules);
  if (attempt.data.result !== 'accepted') return [];
  const findings = [
    ...judgeDevice(profile, attempt, rules),
    ...judgeCountry(profile, attempt, rules),
    ...judgeTravel(profile, attempt, rules),
    ...judgeHour(profile, attempt, rules),
  ];
  learn(profile, attempt);
  return findings;
}

const deviceOf = ({ deviceType, os }: VerificationData): string | undefined =>
  deviceType || os ? [deviceType, os].filter((part) => part).join(' with ') : undefined;

function learn(profile: SubjectProfile, { id, at, data }: Attempt): void {
  if (profile.successes === 0) profile.since = at;
  profile.since = Math.min(profile.since, at);
  profile.successes += 1;
  const hour = new Date(at).getUTCHours();
  profile.hours[hour] = (profile.hours[hour] ?? 0) + 1;
  const device = deviceOf(data);
  if (device !== undefined) profile.devices = see(profile.devices, device);
  if (data.country === undefined) return;
  profile.countries = see(profile.countries, data.country);
  if (!profile.last || at >= profile.last.at) profile.last = { country: data.country, at, id };
}

function about(
  { id, at, data }: Attempt,
  finding: Pick<Finding, 'rule' | 'matter' | 'sentence' | 'signal' | 'numbers' | 'threshold'> & { evidence?: string[] },
): Finding {
  const { workspaceId, subject, codeId } = data;
  return { evidence: [id], workspaceId, subject, ...(codeId !== undefined && { codeId }), at, ...finding };
}

const isKnown = (
  { successes, since }: SubjectProfile,
  at: number,
  { minSuccesses, minAgeHours }: { minSuccesses: number; minAgeHours: number },
): boolean => successes >= minSuccesses && at - since >= minAgeHours * HOUR_MS;

function judgeDevice(profile: SubjectProfile, attempt: Attempt, { new_device: rule }: AnomalyRuleSet): Finding[] {
  const device = deviceOf(attempt.data);
  if (device === undefined || hasSeen(profile.devices, device) || profile.devices.length === 0) return [];
  if (!isKnown(profile, attempt.at, rule)) return [];
  const { subject } = attempt.data;
  return [
    about(attempt, {
      rule: 'new_device',
      matter: `${subject} ${device}`,
      sentence: `${subject} was verified on a ${device}, for the first time; so far: ${sayList(profile.devices)}.`,
      signal: 'accepted verifications before, none of them with this kind of device',
      numbers: { successes: profile.successes, kindsOfDevice: profile.devices.length },
      threshold: { minSuccesses: rule.minSuccesses, minAgeHours: rule.minAgeHours },
    }),
  ];
}

function judgeCountry(
  profile: SubjectProfile,
  attempt: Attempt,
  { unexpected_country: rule }: AnomalyRuleSet,
): Finding[] {
  const { subject, country } = attempt.data;
  if (country === undefined || rule.expected.includes(country)) return [];
  const isListed = rule.expected.length > 0;
  const isNew = !hasSeen(profile.countries, country) && profile.countries.length > 0;
  if (!isListed && (!isNew || !isKnown(profile, attempt.at, rule))) return [];
  const why = isListed
    ? `expected are ${rule.expected.slice(0, 10).join(', ')}`
    : `so far: ${sayList(profile.countries)}`;
  return [
    about(attempt, {
      rule: 'unexpected_country',
      matter: `${subject} ${country}`,
      sentence: `${subject} was verified from ${country}, which is unexpected; ${why}.`,
      signal: isListed
        ? 'accepted verifications from countries that are not expected'
        : 'accepted verifications before, none of them from this country',
      numbers: { successes: profile.successes, countries: profile.countries.length },
      threshold: isListed
        ? { expectedCountries: rule.expected.length }
        : { minSuccesses: rule.minSuccesses, minAgeHours: rule.minAgeHours },
    }),
  ];
}

function judgeTravel(
  { last }: SubjectProfile,
  attempt: Attempt,
  { impossible_travel: rule, unexpected_country: { expected } }: AnomalyRuleSet,
): Finding[] {
  const { at, data } = attempt;
  const { subject, country } = data;
  if (!last || country === undefined || (expected.includes(country) && expected.includes(last.country))) return [];
  const kilometres = kilometresBetween(last.country, country);
  if (kilometres === undefined || kilometres < rule.minKilometres) return [];
  // The log may hand over the earlier one later.
  const milliseconds = Math.max(Math.abs(at - last.at), LEAST_MS);
  const kilometresPerHour = kilometres / (milliseconds / HOUR_MS);
  if (kilometresPerHour < rule.minKilometresPerHour) return [];
  return [
    about(attempt, {
      rule: 'impossible_travel',
      matter: subject,
      sentence: `${subject} was verified from ${last.country} and, within ${inWords(milliseconds)}, from ${country}: at least ${Math.round(kilometres)} km, which takes ${Math.round(kilometresPerHour)} km/h.`,
      signal: 'kilometres and kilometres per hour between accepted verifications, at the least',
      numbers: {
        kilometres: Math.round(kilometres),
        kilometresPerHour: Math.round(kilometresPerHour),
        minutes: rounded(milliseconds / 60_000),
      },
      threshold: { kilometres: rule.minKilometres, kilometresPerHour: rule.minKilometresPerHour },
      evidence: [last.id, attempt.id],
    }),
  ];
}

function judgeHour(profile: SubjectProfile, attempt: Attempt, { unusual_hour: rule }: AnomalyRuleSet): Finding[] {
  if (profile.successes < rule.minSuccesses || attempt.at - profile.since < rule.minAgeDays * DAY_MS) return [];
  const hour = new Date(attempt.at).getUTCHours();
  // The hours beside it, too: who comes at 8:55 may come at 9:05.
  const near = [-1, 0, 1].reduce((sum, off) => sum + (profile.hours[(hour + off + 24) % 24] ?? 0), 0);
  if (near > 0) return [];
  const { subject } = attempt.data;
  return [
    about(attempt, {
      rule: 'unusual_hour',
      matter: `${subject} ${hour}`,
      sentence: `${subject} was verified at ${hour} o’clock UTC, an hour of the day in which that never happened before.`,
      signal: 'accepted verifications before, none of them within an hour of this time of day',
      numbers: { successes: profile.successes, hour },
      threshold: { minSuccesses: rule.minSuccesses, minAgeDays: rule.minAgeDays },
    }),
  ];
}

function judgeFailure(
  profile: SubjectProfile,
  attempt: Attempt,
  { subject_failures: rule }: AnomalyRuleSet,
): Finding[] {
  const excess = count(profile.failures, attempt, { windowMs: FAILURE_WINDOW_MS, band: rule });
  if (!excess) return [];
  const { subject } = attempt.data;
  return [
    about(attempt, {
      rule: 'subject_failures',
      matter: subject,
      sentence: `${excess.count} codes of ${subject} were wrong within 5 minutes; the usual is ${rounded(excess.usual)}.`,
      signal: 'rejected verifications of the subject in 5 minutes',
      numbers: { failures: excess.count, usual: rounded(excess.usual) },
      threshold: { failures: rounded(excess.limit) },
      evidence: excess.ids,
    }),
  ];
}

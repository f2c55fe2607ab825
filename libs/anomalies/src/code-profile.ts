import type { AnomalyRuleSet, ScanData } from '@signet/contracts';
import { DAY_MS, HOUR_MS, inWords, MINUTE_MS, rounded, type Finding } from './finding.js';

/** What is known of a code from the scans of people. Plain JSON, of bounded size. */
export interface CodeProfile {
  /** The first and the newest scan, epoch milliseconds. */
  since: number;
  last: number;
  /** Scans that led somewhere by hour of the day (UTC): usual counts of working days and of weekends. */
  usual: { workday: number[]; weekend: number[] };
  /** How many days of each kind are in `usual`. */
  days: { workday: number; weekend: number };
  /** The day that is being counted. */
  today: { day: number; hours: number[] };
  /** Nobody can scan it with success now: it is paused, revoked, expired or the like. */
  stopped?: true;
  /** Its silence was told of. */
  silent?: true;
  /** Since it woke after a silence. */
  woke?: { at: number; quietMs: number; scans: number; ids: string[] };
  /** Scans of the current minute by network. */
  minute: { at: number; scans: number; networks: [network: string, scans: number, id: string][]; told: string[] };
}

export interface Scan {
  id: string;
  at: number;
  codeId: string;
  workspaceId: string;
  data: ScanData;
}

const noHours = (): number[] => Array.from({ length: 24 }, () => 0);
export const newCodeProfile = (): CodeProfile => ({
  since: 0,
  last: 0,
  usual: { workday: noHours(), weekend: noHours() },
  days: { workday: 0, weekend: 0 },
  today: { day: 0, hours: noHours() },
  minute: { at: 0, scans: 0, networks: [], told: [] },
});

/** The weight of the newest day once as many as this are known; before, all weigh the same. */
const MEMORY_DAYS = { workday: 15, weekend: 6 } as const;
const MAX_NETWORKS = 24;
/** Days without a scan that are still learned from, one by one. */
const MAX_EMPTY_DAYS = 60;
/** Outcomes that led somewhere. */
const LED: ReadonlySet<string> = new Set(['redirected', 'claimed', 'page', 'file', 'interstitial']);

/** The first day of 1970 was a Thursday; 0 is a Sunday. */
const kindOfDay = (at: number): 'workday' | 'weekend' =>
  ((Math.floor(at / DAY_MS) + 4) % 7) % 6 === 0 ? 'weekend' : 'workday';
const hourOf = (at: number): number => Math.floor(at / HOUR_MS) % 24;
const startOfDay = (at: number): number => Math.floor(at / DAY_MS) * DAY_MS;

/** @param scan of a person @returns what is unusual about it; the profile is what it is after it */
export function judgeScan(profile: CodeProfile, scan: Scan, rules: AnomalyRuleSet): Finding[] {
  if (scan.data.outcome === 'revoked') return judgeRevoked(scan);
  if (!LED.has(scan.data.outcome)) return [];
  const findings = [...judgeWaking(profile, scan, rules), ...judgeBurst(profile, scan, rules)];
  learn(profile, scan.at);
  return findings;
}

function about(
  { id, at, codeId, workspaceId }: Scan,
  finding: Pick<Finding, 'rule' | 'sentence' | 'signal' | 'numbers' | 'threshold'> & Partial<Finding>,
): Finding {
  return { matter: codeId, evidence: [id], workspaceId, codeId, at, ...finding };
}

const nameOf = ({ data, codeId }: Scan): string => (data.slug === undefined ? `the code ${codeId}` : `/${data.slug}`);

function judgeRevoked(scan: Scan): Finding[] {
  const where = scan.data.country === undefined ? '' : ` in ${scan.data.country}`;
  return [
    about(scan, {
      rule: 'revoked_scan',
      sentence: `Somebody${where} scanned ${nameOf(scan)}, which is revoked: copies of it are still about.`,
      signal: 'scans of a revoked code',
      numbers: { scans: 1 },
      threshold: { scans: 1 },
      ...(scan.data.ip !== undefined && { network: scan.data.ip }),
    }),
  ];
}

function judgeWaking(profile: CodeProfile, scan: Scan, { code_wakes: rule }: AnomalyRuleSet): Finding[] {
  const { at, id } = scan;
  const quietMs = at - profile.last;
  if (profile.last > 0 && quietMs >= rule.quietDays * DAY_MS) profile.woke = { at, quietMs, scans: 0, ids: [] };
  const { woke } = profile;
  if (!woke) return [];
  if (at - woke.at > HOUR_MS) {
    delete profile.woke;
    return [];
  }
  woke.scans += 1;
  woke.ids = [...woke.ids, id].slice(-5);
  if (woke.scans < rule.minimum) return [];
  delete profile.woke;
  return [
    about(scan, {
      rule: 'code_wakes',
      sentence: `${nameOf(scan)} was scanned ${woke.scans} times within ${inWords(at - woke.at)}, after ${inWords(woke.quietMs)} without a scan.`,
      signal: 'scans in an hour after days without any',
      numbers: { scans: woke.scans, quietDays: rounded(woke.quietMs / DAY_MS) },
      threshold: { scans: rule.minimum, quietDays: rule.quietDays },
      evidence: woke.ids,
    }),
  ];
}

/** Networks beyond those that are remembered of a minute take the place of the one with the fewest. */
function judgeBurst({ minute }: CodeProfile, scan: Scan, { network_burst: rule }: AnomalyRuleSet): Finding[] {
  const start = Math.floor(scan.at / MINUTE_MS) * MINUTE_MS;
  if (start < minute.at) return [];
  if (start > minute.at) Object.assign(minute, { at: start, scans: 0, networks: [], told: [] });
  minute.scans += 1;
  const network = scan.data.ip;
  if (network === undefined) return [];
  let entry = minute.networks.find(([known]) => known === network);
  if (!entry) {
    entry = [network, 0, scan.id];
    minute.networks.sort((a, b) => b[1] - a[1]);
    minute.networks = [...minute.networks.slice(0, MAX_NETWORKS - 1), entry];
  }
  entry[1] += 1;
  const [, scans, firstId] = entry;
  if (scans < rule.minimum || scans < rule.share * minute.scans || minute.told.includes(network)) return [];
  minute.told.push(network);
  return [
    about(scan, {
      rule: 'network_burst',
      matter: `${scan.codeId} ${network}`,
      sentence: `The network ${network} scanned ${nameOf(scan)} ${scans} times within a minute, of ${minute.scans} scans in all.`,
      signal: 'scans of a code by one network in a minute',
      numbers: { scans, ofAll: minute.scans },
      threshold: { scans: rule.minimum, share: rule.share },
      evidence: [firstId, scan.id],
      network,
    }),
  ];
}

function learn(profile: CodeProfile, at: number): void {
  if (profile.since === 0) profile.since = at;
  profile.since = Math.min(profile.since, at);
  delete profile.stopped;
  delete profile.silent;
  profile.last = Math.max(profile.last, at);
  settleDays(profile, at);
  const { today } = profile;
  if (startOfDay(at) !== today.day) return;
  const hour = hourOf(at);
  today.hours[hour] = (today.hours[hour] ?? 0) + 1;
}

/** Learns from the days that are over. The first one is left out: it began when the first scan came. */
export function settleDays(profile: CodeProfile, now: number): void {
  const { today } = profile;
  const current = startOfDay(now);
  if (today.day === 0) today.day = current;
  const missed = (current - today.day) / DAY_MS;
  if (missed <= 0) return;
  if (today.day > startOfDay(profile.since)) learnDay(profile, today.day, today.hours);
  for (let index = 1; index < Math.min(missed, MAX_EMPTY_DAYS); index += 1)
    learnDay(profile, today.day + index * DAY_MS, noHours());
  profile.today = { day: current, hours: noHours() };
}

function learnDay({ usual, days }: CodeProfile, day: number, hours: readonly number[]): void {
  const kind = kindOfDay(day);
  days[kind] += 1;
  const alpha = 1 / Math.min(days[kind], MEMORY_DAYS[kind]);
  usual[kind] = usual[kind].map((mean, hour) => mean + alpha * ((hours[hour] ?? 0) - mean));
}

/** How many scans are usual from one time to another, hour by hour of the day. */
export function expectedScans({ usual }: CodeProfile, from: number, to: number): number {
  let expected = 0;
  for (let at = from; at < to;) {
    const end = Math.min(to, (Math.floor(at / HOUR_MS) + 1) * HOUR_MS);
    expected += ((usual[kindOfDay(at)][hourOf(at)] ?? 0) * (end - at)) / HOUR_MS;
    at = end;
  }
  return expected;
}

/** Looking back further than this says nothing more: it has been silent for long enough by then. */
const MAX_SILENCE_MS = 14 * DAY_MS;
/** Nothing is said of a shorter one, however busy the code is. */
export const MIN_SILENCE_MS = 30 * MINUTE_MS;

const sum = (hours: readonly number[]): number => hours.reduce((total, one) => total + one, 0);
const usualPerDay = ({ usual }: CodeProfile): number => (5 * sum(usual.workday) + 2 * sum(usual.weekend)) / 7;

/**
 * When the silence since the last scan will have lasted so long that it is no chance any more. Scans are taken to come
 * by chance (Poisson), with the usual rate of each hour of the day: none in a time in which λ are expected has the
 * probability e^−λ. Only a share of the usual is expected, since weeks differ more than chance does.
 * @returns epoch milliseconds, to the end of an hour; undefined for a code of which that cannot be said
 */
export function silentAt(profile: CodeProfile, { code_silent: rule }: AnomalyRuleSet): number | undefined {
  const { last, since, days, stopped, silent } = profile;
  if (rule.mode === 'off' || stopped || silent || last === 0) return undefined;
  if (days.workday + days.weekend < rule.minDays || last - since < rule.minDays * DAY_MS) return undefined;
  if (usualPerDay(profile) < rule.minPerDay) return undefined;
  const enough = -Math.log(rule.maxProbability) / rule.share;
  if ((usualPerDay(profile) * MAX_SILENCE_MS) / DAY_MS < enough) return undefined;
  let expected = 0;
  for (let at = last; at < last + MAX_SILENCE_MS;) {
    const end = (Math.floor(at / HOUR_MS) + 1) * HOUR_MS;
    expected += expectedScans(profile, at, end);
    if (expected > enough) return Math.max(end, last + MIN_SILENCE_MS);
    at = end;
  }
  return undefined;
}

/** @param now when `silentAt` has come, and no scan has */
export function silenceOf(
  profile: CodeProfile,
  { codeId, workspaceId, now }: { codeId: string; workspaceId: string; now: number },
  { code_silent: rule }: AnomalyRuleSet,
): Finding {
  const usual = expectedScans(profile, profile.last, now);
  const silence = now - profile.last;
  return {
    rule: 'code_silent',
    workspaceId,
    codeId,
    matter: codeId,
    sentence: `The code ${codeId} has not been scanned for ${inWords(silence)}, in which ${rounded(usual)} scans are usual: it may be covered, replaced or gone.`,
    signal: 'scans that are usual in a time in which there was none',
    numbers: {
      scans: 0,
      usualScans: rounded(usual),
      usualPerDay: rounded(usualPerDay(profile)),
      silentHours: rounded(silence / HOUR_MS),
      probability: Math.exp(-usual * rule.share),
    },
    threshold: { probability: rule.maxProbability, usualPerDay: rule.minPerDay },
    evidence: [],
    at: now,
  };
}

import type { RuleName } from '@signet/contracts';
import type { PastEvent } from './backtest.js';
import { DAY_MS, HOUR_MS, MINUTE_MS } from './finding.js';
import { attempt, scan } from './happenings.fixture.js';

/** Something that somebody should be told of. */
export interface Incident {
  rule: RuleName;
  from: number;
  to: number;
  subject?: string;
  codeId?: string;
  /** May be missed: it is on the edge of what can be told. */
  isFaint?: boolean;
}

/** mulberry32: the same numbers for the same seed. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** How many of something come that come by chance, `mean` of them usually (Knuth). */
function poisson(random: () => number, mean: number): number {
  if (mean > 30) return Math.max(0, Math.round(mean + Math.sqrt(mean) * gauss(random)));
  const least = Math.exp(-mean);
  let [count, product] = [0, random()];
  while (product > least) {
    count += 1;
    product *= random();
  }
  return count;
}

function gauss(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

export interface Month {
  events: PastEvent[];
  incidents: Incident[];
  /** Codes that were switched off. */
  stopped: Set<string>;
  /** Before it, everything is only learned from. */
  from: number;
  to: number;
}

const BEGIN = Date.UTC(2026, 2, 2);
const LEARNED_DAYS = 30;
const DAYS = 60;
const PEOPLE = 60;
const POSTERS = 30;
const COUNTRIES = ['CH', 'DE', 'FR', 'AT', 'IT'] as const;
const DEVICES = [
  { deviceType: 'phone', os: 'iOS' },
  { deviceType: 'phone', os: 'Android' },
  { deviceType: 'desktop', os: 'Windows' },
  { deviceType: 'desktop', os: 'macOS' },
] as const;
/** Of a day of a poster in a town: quiet at night, most after work. */
const HOURS = [0, 0, 0, 0, 0, 1, 2, 4, 5, 4, 4, 5, 7, 6, 5, 5, 6, 8, 9, 7, 5, 3, 2, 1];

const idOf = (kind: number, index: number): string =>
  `0192f0c0-000${kind}-7000-8000-${String(index).padStart(12, '0')}`;

/**
 * Two months of people who sign in and posters that are scanned, with what is usual of them: typing errors, weekends,
 * journeys, rain; and in the second month incidents that are known, one or more of each rule.
 */
export function makeMonth(seed: number): Month {
  const random = generator(seed);
  const from = BEGIN + LEARNED_DAYS * DAY_MS;
  const to = BEGIN + DAYS * DAY_MS;
  const month: Month = { events: [], incidents: [], stopped: new Set(), from, to };
  for (let index = 0; index < PEOPLE; index += 1) addPerson(month, random, index);
  for (let index = 0; index < POSTERS; index += 1) addPoster(month, random, index);
  addFlood(month, random);
  const timeOf = (event: PastEvent): number => ('scan' in event ? event.scan.at : event.attempt.at);
  month.events = month.events.filter((event) => timeOf(event) < to).toSorted((a, b) => timeOf(a) - timeOf(b));
  return month;
}

/** A person signs in some times each working day, now and then with a typing error, and is away for a week at times. */
function addPerson({ events, incidents, from, to }: Month, random: () => number, index: number): void {
  const subject = `person-${index}`;
  const home = COUNTRIES[index % COUNTRIES.length] ?? 'CH';
  const device = DEVICES[index % DEVICES.length] ?? DEVICES[0];
  const ip = `198.51.${index % 10}.0`;
  const push = (at: number, data: Parameters<typeof attempt>[1]): void => {
    events.push({ attempt: attempt(at, { subject, country: home, ip, ...device, ...data }) });
  };
  const start = 7 + random() * 2.5;
  for (let day = BEGIN; day < to; day += DAY_MS) {
    const weekday = new Date(day).getUTCDay();
    if ((weekday === 0 || weekday === 6) && random() < 0.9) continue;
    for (let time = 0; time < 4; time += 1) {
      const at = day + (start + time * 2.5 + random() * 1.5) * HOUR_MS;
      while (random() < 0.04) push(at - random() * 60_000, { result: 'rejected', reason: 'invalid_code' });
      push(at, {});
    }
  }
  const when = Math.round(from + (3 + random() * 24) * DAY_MS);
  if (index % 10 === 1) {
    // Stolen: somebody far away signs in minutes after the owner.
    const at = Math.floor(when / DAY_MS) * DAY_MS + 10 * HOUR_MS;
    push(at, {});
    push(at + 40 * MINUTE_MS, { country: 'VN', ip: '203.0.113.0' });
    for (const rule of ['impossible_travel', 'unexpected_country'] as const)
      incidents.push({ rule, from: at, to: at + DAY_MS, subject });
  } else if (index % 10 === 2) {
    const at = when;
    push(at, { deviceType: 'tablet', os: 'Linux' });
    incidents.push({ rule: 'new_device', from: at, to: at + HOUR_MS, subject });
  } else if (index % 10 === 3) {
    // Guessed at, eight codes within a minute.
    for (let guess = 0; guess < 8; guess += 1)
      push(when + guess * 7000, { result: 'rejected', reason: 'invalid_code', ip: `203.0.${guess}.0` });
    incidents.push({ rule: 'subject_failures', from: when, to: when + HOUR_MS, subject });
  }
}

/** A poster is scanned by chance, less at weekends, less still on days of rain; some things happen to it. */
function addPoster({ events, incidents, stopped, from, to }: Month, random: () => number, index: number): void {
  const codeId = idOf(1, index);
  const perDay = 15 + Math.floor(random() * 90);
  const fate = index % 6;
  const when = Math.round(from + (5 + random() * 15) * DAY_MS);
  const covered = fate === 1 ? { from: when, to: when + 5 * DAY_MS } : undefined;
  const revokedAt = fate === 2 ? when : Infinity;
  const quiet = fate === 3 ? { from: BEGIN + 4 * DAY_MS, to: when + 10 * DAY_MS } : undefined;
  const sum = HOURS.reduce((total, hour) => total + hour, 0);
  for (let hour = BEGIN; hour < to; hour += HOUR_MS) {
    const day = new Date(hour).getUTCDay();
    const weather = 0.75 + 0.5 * generator(Math.floor(hour / DAY_MS) + index)();
    const mean =
      (perDay * (day === 0 || day === 6 ? 0.6 : 1) * weather * (HOURS[new Date(hour).getUTCHours()] ?? 0)) / sum;
    for (let left = poisson(random, mean); left > 0; left -= 1) {
      const at = hour + random() * HOUR_MS;
      if (covered && at > covered.from && at < covered.to) continue;
      if (quiet && at > quiet.from && at < quiet.to) continue;
      if (at > revokedAt && random() < 0.97) continue;
      const ip = `10.${Math.floor(random() * 200)}.${Math.floor(random() * 200)}.0`;
      events.push({ scan: scan(at, { ip, outcome: at > revokedAt ? 'revoked' : 'redirected' }, codeId) });
    }
  }
  if (covered) incidents.push({ rule: 'code_silent', ...covered, codeId, isFaint: perDay < 30 });
  if (quiet && quiet.to < to - DAY_MS) {
    for (let late = 0; late < 40; late += 1)
      events.push({ scan: scan(quiet.to + late * MINUTE_MS, { ip: `10.9.${late}.0` }, codeId) });
    incidents.push({ rule: 'code_wakes', from: quiet.to - HOUR_MS, to: quiet.to + DAY_MS, codeId });
  }
  if (revokedAt < to) {
    stopped.add(codeId);
    incidents.push({ rule: 'revoked_scan', from: revokedAt, to, codeId });
  }
  if (fate === 4) {
    for (let late = 0; late < 120; late += 1)
      events.push({ scan: scan(when + late * 300, { ip: '192.0.2.0' }, codeId) });
    incidents.push({ rule: 'network_burst', from: when, to: when + HOUR_MS, codeId });
  }
}

/** One network tries a code for each of many people. */
function addFlood({ events, incidents, from }: Month, random: () => number): void {
  const at = Math.round(from + 20 * DAY_MS + random() * DAY_MS);
  for (let index = 0; index < 120; index += 1) {
    const subject = `person-${index % PEOPLE}`;
    const data = { subject, ip: '192.0.2.0', country: 'VN', result: 'rejected', reason: 'invalid_code' } as const;
    events.push({ attempt: attempt(at + index * 1500, data) });
  }
  for (const rule of ['network_failures', 'workspace_failures'] as const)
    incidents.push({ rule, from: at, to: at + HOUR_MS });
}

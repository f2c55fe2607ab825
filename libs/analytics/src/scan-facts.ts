import { SCAN_OUTCOMES, type Dimension, type ScanData, type ScanOutcome } from '@signet/contracts';

/**
 * What a scan counts as (api.md, "Settled details", Analytics): `scan` in the scans, `bot` in the bots (also link
 * previews, whatever the outcome), `refused` in the refusals, `opened` (an interstitial page) only by its outcome.
 */
export type ScanClass = 'scan' | 'bot' | 'refused' | 'opened';

const classOf: Readonly<Record<ScanOutcome, ScanClass>> = {
  redirected: 'scan',
  claimed: 'scan',
  page: 'scan',
  file: 'scan',
  interstitial: 'opened',
  revoked: 'refused',
  expired: 'refused',
  exhausted: 'refused',
  denied: 'refused',
  not_found: 'refused',
};

/** A folded scan has no device: it counts as a person's. */
export function classifyScan({ outcome, bot, preview }: Pick<ScanData, 'outcome' | 'bot' | 'preview'>): ScanClass {
  return bot || preview ? 'bot' : classOf[outcome];
}

/** @returns the outcomes of people's scans that count as this */
export const outcomesOf = (counted: ScanClass): ScanOutcome[] =>
  SCAN_OUTCOMES.filter((outcome) => classOf[outcome] === counted);

/** As long as a host name may be; PostgreSQL could not index a value of some thousand bytes. */
const MAX_VALUE_LENGTH = 255;
/** What JSON can say and PostgreSQL's text cannot hold: one such value would stop its partition for good. */
const UNSTORABLE = /[\0\p{Surrogate}]/u;

/** @returns the text as PostgreSQL can store and index it */
export function storableText(text: string): string {
  const short = text.slice(0, MAX_VALUE_LENGTH);
  return UNSTORABLE.test(short) ? short.replace(new RegExp(UNSTORABLE, 'gu'), '\ufffd') : short;
}

/**
 * The values that a scan is counted under. People's scans have an outcome, only those that led somewhere have more; an
 * unknown value is under none, since it would be invented.
 */
export function factsOf(scan: ScanData): [Dimension, string][] {
  const counted = classifyScan(scan);
  if (counted === 'bot') return [];
  if (counted !== 'scan') return [['outcome', scan.outcome]];
  const facts: [Dimension, string | undefined][] = [
    ['outcome', scan.outcome],
    ['country', scan.country],
    ['city', scan.city],
    ['device', scan.deviceType],
    ['os', scan.os],
    ['browser', scan.browser],
    ['language', scan.language],
    ['referrer', scan.referrerHost],
    ['target', scan.targetIndex === undefined ? undefined : String(scan.targetIndex)],
  ];
  return facts.flatMap(([dimension, value]) => (value ? [[dimension, storableText(value)]] : []));
}

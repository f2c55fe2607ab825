import { createHash } from 'node:crypto';
import type { AppTarget, CodeKind, CodeTarget, LinkTarget, Rule, RuleCondition } from '@signet/contracts';
import { isOfLanguage, listOf, preferredLanguage } from './languages.js';
import type { TargetedScan } from './scan.js';
import { isInWindow } from './time-window.js';

/** What of a code says where a scan leads. */
export interface TargetedCode {
  id: string;
  kind: CodeKind;
  target: CodeTarget;
  rules?: readonly Rule[];
}

export type ConditionName = Exclude<keyof RuleCondition, 'sticky'>;

/** What became of a rule. */
export interface Verdict {
  rule: number;
  matched: boolean;
  /** The first condition that did not hold. */
  failed?: ConditionName;
}

export interface ChosenTarget {
  /** Undefined for the kinds that show something themselves: pages, files, and those of enrollment and sign-in. */
  target: LinkTarget | undefined;
  /** The rule that decided; undefined: none, so it is the code's own target. */
  targetIndex: number | undefined;
  /** The rules that were asked, up to the one that decided. */
  trace: readonly Verdict[];
}

/** Where the first rule that holds leads, or else the code's own target. */
export function chooseTarget(code: TargetedCode, scan: TargetedScan): ChosenTarget {
  const rules = code.rules ?? [];
  const language = preferredLanguage(rules, scan.languages ?? []);
  const trace: Verdict[] = [];
  let { random } = scan;
  for (const [rule, { when, target }] of rules.entries()) {
    const failed = failedCondition(when, scan, language);
    if (failed !== undefined) {
      trace.push({ rule, matched: false, failed });
      continue;
    }
    if (when.weight === undefined) return { target, targetIndex: rule, trace: [...trace, { rule, matched: true }] };
    const share = when.weight / 100;
    const stays = when.sticky === true && scan.visitor !== undefined;
    const drawn = stays ? drawOf(code.id, rule, scan.visitor ?? '') : random;
    if (drawn < share) return { target, targetIndex: rule, trace: [...trace, { rule, matched: true }] };
    // What is left of the draw is as random as the whole was, so one number does for all rules.
    if (!stays) random = (random - share) / (1 - share);
    trace.push({ rule, matched: false, failed: 'weight' });
  }
  return { target: defaultTarget(code, scan), targetIndex: undefined, trace };
}

/** Every condition but the weight, in the order in which the trace names them. */
function failedCondition(
  when: RuleCondition,
  scan: TargetedScan,
  language: string | undefined,
): ConditionName | undefined {
  if (!includes(when.device, scan.device)) return 'device';
  if (!includes(when.os, scan.os)) return 'os';
  if (!includes(when.country, scan.country)) return 'country';
  if (when.language !== undefined && !listOf(when.language).some((range) => isOfLanguage(language ?? '', range)))
    return 'language';
  if (when.timeWindow !== undefined && !listOf(when.timeWindow).some((window) => isInWindow(scan.at, window)))
    return 'timeWindow';
  if (when.visit !== undefined && scan.isReturning !== (when.visit === 'returning')) return 'visit';
  return undefined;
}

const includes = <Value>(asked: Value | readonly Value[] | undefined, found: Value | undefined): boolean =>
  asked === undefined || (found !== undefined && listOf(asked).includes(found));

/** @returns a number from 0 to below 1, always the same for a visitor at a rule of a code */
function drawOf(codeId: string, rule: number, visitor: string): number {
  const bytes = createHash('sha256').update(`${codeId} ${rule} ${visitor}`).digest();
  return bytes.readUIntBE(0, 6) / 2 ** 48;
}

function defaultTarget({ target }: TargetedCode, { os }: TargetedScan): LinkTarget | undefined {
  // A page may have a URL, too: of an event's web site.
  if ('type' in target || 'fileId' in target || 'enrollmentId' in target) return undefined;
  return 'url' in target ? target : storeFor(target, os);
}

/** The shop of the phone's own system; everybody else gets the fallback, and so does one whose shop has no app. */
function storeFor({ ios, android, fallback, deepLink }: AppTarget, os: TargetedScan['os']): LinkTarget {
  const store = os === 'ios' ? ios : os === 'android' ? android : undefined;
  return { url: store ?? fallback, ...(deepLink !== undefined && { deepLink }) };
}

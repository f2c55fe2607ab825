import type { Rule, RuleCondition, TimeWindow } from '@signet/contracts';
import {
  chooseTarget,
  type ChosenTarget,
  type ConditionName,
  type TargetedCode,
  type Verdict,
} from './choose-target.js';
import { listOf, preferredLanguage } from './languages.js';
import type { TargetedScan } from './scan.js';
import { wallClock } from './time-window.js';

export interface ExplainedRule {
  /** From 0, as in the code's `rules`. */
  rule: number;
  matched: boolean;
  why: string;
}

/** `chooseTarget` with a sentence on each rule that was asked. */
export function explainTarget(
  code: TargetedCode,
  scan: TargetedScan,
): Omit<ChosenTarget, 'trace'> & { trace: ExplainedRule[] } {
  const { trace, ...chosen } = chooseTarget(code, scan);
  const rules = code.rules ?? [];
  const explain = ({ rule, matched, failed }: Verdict): ExplainedRule => {
    const when = rules[rule]?.when ?? {};
    return { rule, matched, why: failed === undefined ? whyMatched(when, scan) : refusals[failed](when, scan, rules) };
  };
  return { ...chosen, trace: trace.map(explain) };
}

const said = (value: string | undefined): string => value ?? 'not known';
const anyOf = (values: string | readonly string[] | undefined): string => listOf(values ?? []).join(' or ');

type Sentence = (when: RuleCondition, scan: TargetedScan, rules: readonly Rule[]) => string;

/** Why a rule did not match, by the first condition that did not hold. */
const refusals: Readonly<Record<ConditionName, Sentence>> = {
  device: ({ device }, scan) => `The device is ${said(scan.device)}, and the rule asks for ${anyOf(device)}.`,
  os: ({ os }, scan) => `The operating system is ${said(scan.os)}, and the rule asks for ${anyOf(os)}.`,
  country: ({ country }, scan) => `The country is ${said(scan.country)}, and the rule asks for ${anyOf(country)}.`,
  language: ({ language }, { languages = [] }, rules) => {
    const preferred = preferredLanguage(rules, languages);
    const asked = languages.length === 0 ? 'No language is known' : `The languages are ${languages.join(', ')}`;
    const best = preferred === undefined ? '' : `; of those that the rules name, ${preferred} comes first`;
    return `${asked}${best}, and the rule asks for ${anyOf(language)}.`;
  },
  timeWindow: ({ timeWindow }, { at }) => {
    const windows = timeWindow === undefined ? [] : listOf(timeWindow);
    return windows.map((window) => outside(window, at)).join(' ');
  },
  visit: ({ visit }, { isReturning }) => {
    const found =
      isReturning === undefined ? 'not known to be first or returning' : isReturning ? 'returning' : 'first';
    return `The visit is ${found}, and the rule asks for a ${said(visit)} one.`;
  },
  weight: ({ weight = 0, sticky }, { visitor }) =>
    `All else holds, and the draw fell outside the ${weight} % that the rule takes${sticksTo(sticky, visitor)}.`,
};

const DAY_NAMES = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
const dayName = (day: number): string => DAY_NAMES[day - 1] ?? '';

function outside({ days, from, to, timeZone }: TimeWindow, at: Date): string {
  const { day, minutes } = wallClock(at, timeZone);
  const time = [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, '0')).join(':');
  const on = days === undefined ? '' : ` on ${days.map(dayName).join(', ')}`;
  return `It is ${dayName(day)} ${time} in ${timeZone}, and the rule asks for ${from} to ${to}${on}.`;
}

const sticksTo = (sticky: boolean | undefined, visitor: string | undefined): string => {
  if (sticky !== true) return '';
  return visitor === undefined
    ? '; no visitor is known whom it could keep there'
    : ', always the same for this visitor';
};

function whyMatched(when: RuleCondition, { visitor }: TargetedScan): string {
  const { weight, sticky, ...others } = when;
  const holds = Object.keys(others).length === 0 ? 'The rule asks for nothing' : 'Every condition of the rule holds';
  if (weight === undefined) return `${holds}.`;
  return `${holds}, and the draw fell into the ${weight} % that it takes${sticksTo(sticky, visitor)}.`;
}

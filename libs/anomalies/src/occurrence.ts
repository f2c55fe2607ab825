import type { Occurrence } from '@signet/alerts';
import type { AlertAction, AnomalyRuleSet } from '@signet/contracts';
import { DAY_MS, HOUR_MS, type Finding } from './finding.js';

/** What is found out so late is history: it is learned from, and nobody is told. */
const HISTORY_MS = DAY_MS;
/** After so long nothing is done of itself any more. */
const ACTION_MS = HOUR_MS;

export const dedupeKeyOf = ({ rule, matter }: Pick<Finding, 'rule' | 'matter'>): string => `anomaly ${rule} ${matter}`;

/** An action needs what it acts on. */
function isPossible(action: AlertAction, { subject, codeId }: Finding): boolean {
  if (action === 'step_up') return subject !== undefined;
  return action === 'alert' || codeId !== undefined;
}

/**
 * The alert of a finding, as the workspace's rules want it.
 * @param now in epoch milliseconds
 * @returns undefined where the rule is off, or the finding is history
 */
export function toOccurrence(finding: Finding, rules: AnomalyRuleSet, now: number): Occurrence | undefined {
  const rule = rules[finding.rule];
  if (rule.mode === 'off' || now - finding.at > HISTORY_MS) return undefined;
  const isLate = now - finding.at > ACTION_MS;
  const wanted: readonly AlertAction[] = rule.actions;
  const actions = wanted.filter((action) => isPossible(action, finding) && (action === 'alert' || !isLate));
  const { workspaceId, sentence, signal, numbers, threshold, evidence, codeId, subject, network, at } = finding;
  return {
    workspaceId,
    kind: finding.rule,
    severity: rule.severity,
    sentence,
    signal,
    numbers,
    threshold,
    evidence,
    ...(codeId !== undefined && { codeId }),
    ...(subject !== undefined && { subject }),
    ...(network !== undefined && { network }),
    dedupeKey: dedupeKeyOf(finding),
    coolDownSeconds: rule.coolDownMinutes * 60,
    resolveAfterSeconds: rule.resolveAfterHours * 3600,
    actions: actions.length > 0 ? actions : ['alert'],
    ...('stepUpMinutes' in rule && { stepUpSeconds: rule.stepUpMinutes * 60 }),
    shadow: rule.mode === 'shadow',
    at: new Date(at),
  };
}

/** Findings of one matter in one: the newest, with how many they are and the evidence of all. */
export function together(findings: readonly Finding[]): { finding: Finding; count: number }[] {
  const matters = Map.groupBy(findings, (finding) => `${finding.workspaceId} ${dedupeKeyOf(finding)}`);
  return Array.from(matters.values(), (same) => {
    const newest = same.reduce((one, other) => (other.at >= one.at ? other : one));
    const evidence = [...new Set(same.flatMap((one) => one.evidence))].slice(-20);
    return { finding: { ...newest, evidence }, count: same.length };
  });
}

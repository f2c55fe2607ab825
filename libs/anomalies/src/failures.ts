import type { AnomalyRuleSet } from '@signet/contracts';
import { rounded, type Finding } from './finding.js';
import { count, type Rate } from './rate.js';
import { FAILURE_WINDOW_MS, type Attempt } from './subject-profile.js';

/** Of whom rejected verifications are counted together. */
export type FailureScope = 'code' | 'network' | 'workspace';

const WHERE: Readonly<Record<FailureScope, (name: string) => string>> = {
  code: () => ' with one code',
  network: (name) => ` from the network ${name}`,
  workspace: () => ' in the workspace',
};

/** @param name of the code or the network @returns a spike of rejected verifications; the rate is what it is after it */
export function judgeFailures(
  rate: Rate,
  { attempt, scope, name }: { attempt: Attempt; scope: FailureScope; name: string },
  rules: AnomalyRuleSet,
): Finding[] {
  const rule = `${scope}_failures` as const;
  const excess = count(rate, attempt, { windowMs: FAILURE_WINDOW_MS, band: rules[rule] });
  if (!excess) return [];
  const { workspaceId, codeId, ip } = attempt.data;
  return [
    {
      rule,
      workspaceId,
      matter: name,
      sentence: `${excess.count} codes were wrong within 5 minutes${WHERE[scope](name)}; the usual is ${rounded(excess.usual)}.`,
      signal: `rejected verifications of the ${scope} in 5 minutes`,
      numbers: { failures: excess.count, usual: rounded(excess.usual) },
      threshold: { failures: rounded(excess.limit) },
      evidence: excess.ids,
      ...(scope === 'code' && codeId !== undefined && { codeId }),
      ...(scope === 'network' && ip !== undefined && { network: ip }),
      at: attempt.at,
    },
  ];
}

import type { PolicyContext, PolicyTerms, StepUp, StepUpRule } from '@signet/contracts';
import { isInNetworks } from './networks.js';

/**
 * What the step-up rules demand together: the strictest drift, and of each rule's kinds those that every rule accepts.
 * @returns null when no rule applies
 */
export function requiredStepUp({ stepUp, name }: PolicyTerms, context: PolicyContext): StepUp | null {
  const applying = stepUp.flatMap((rule) => {
    const because = appliesBecause(rule, context);
    return because === undefined ? [] : [{ rule, because }];
  });
  if (applying.length === 0) return null;
  const demands = applying.map(({ rule }) => rule.require);
  const kinds = demands.flatMap(({ factors }) => (factors ? [factors] : []));
  const [first, ...others] = kinds;
  return {
    ...(demands.some(({ driftSteps }) => driftSteps === 0) && { driftSteps: 0 as const }),
    ...(first && { factors: first.filter((kind) => others.every((list) => list.includes(kind))) }),
    reasons: applying.map(({ because }) => `policy *${name}* demands more because ${because}`),
  };
}

/** What is not known is outside: an attacker must not gain by leaving it out. */
function appliesBecause({ when }: StepUpRule, context: PolicyContext): string | undefined {
  const { action, riskSignals = [], ip, country } = context;
  const because: string[] = [];
  if (when.actions) {
    if (action === undefined || !when.actions.includes(action)) return undefined;
    because.push(`the action is \`${action}\``);
  }
  if (when.riskSignals) {
    const signal = when.riskSignals.find((name) => riskSignals.includes(name));
    if (signal === undefined) return undefined;
    because.push(`of the signal \`${signal}\``);
  }
  if (when.networksOutside) {
    if (ip !== undefined && isInNetworks(ip, when.networksOutside)) return undefined;
    because.push(ip === undefined ? 'the address is not known' : 'the address is outside its networks');
  }
  if (when.countriesOutside) {
    if (country !== undefined && when.countriesOutside.includes(country)) return undefined;
    because.push(country === undefined ? 'the country is not known' : `the country is \`${country}\``);
  }
  return because.join(' and ') || 'it always does';
}

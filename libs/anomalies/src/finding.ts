import type { RuleName } from '@signet/contracts';

/** What a rule found: everything that somebody needs to judge it without the rule. */
export interface Finding {
  rule: RuleName;
  workspaceId: string;
  /** What of the rule is one matter; with the rule and the workspace it is the alert's dedupe key. */
  matter: string;
  /** For a person; one sentence. */
  sentence: string;
  /** What was measured. */
  signal: string;
  numbers: Record<string, number>;
  threshold: Record<string, number>;
  /** Ids of events, the newest last. */
  evidence: string[];
  codeId?: string;
  subject?: string;
  network?: string;
  /** Epoch milliseconds of what it was found in. */
  at: number;
}

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** @returns a number as people write it: at most two digits behind the point, none where it is large */
export const rounded = (value: number): number =>
  Math.abs(value) >= 100 ? Math.round(value) : Math.round(value * 100) / 100;

/** @param ms a span @returns it in words: `3 minutes`, `26 hours`, `12 days` */
export function inWords(ms: number): string {
  const [unit, size]: [string, number] =
    ms < 2 * HOUR_MS ? ['minute', MINUTE_MS] : ms < 2 * DAY_MS ? ['hour', HOUR_MS] : ['day', DAY_MS];
  const count = Math.max(1, Math.round(ms / size));
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

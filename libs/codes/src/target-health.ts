import type { CodeEvent, TargetCheck, TargetHealth } from '@signet/contracts';

/** Failures in a row that make a code unhealthy: one may be a restart, or ours. */
const FAILURES = 3;
const MINUTE = 60_000;
/** How soon a target that fails is looked at again. */
const RETRY_MILLISECONDS = 10 * MINUTE;

export interface Finding {
  health: TargetHealth;
  /** What is told, once for each change; absent: nothing that anybody waits for. */
  event?: Extract<CodeEvent['type'], 'code.target_unhealthy' | 'code.target_healthy'>;
}

/** What is known of a code's targets after one more check of all of them. */
export function healthAfter(before: TargetHealth | null, checks: readonly TargetCheck[], at: Date): Finding {
  const checkedAt = at.toISOString();
  const failed = checks.find(({ healthy }) => !healthy);
  const failures = failed ? (before?.failures ?? 0) + 1 : 0;
  const status = failures === 0 ? 'healthy' : failures < FAILURES ? 'failing' : 'unhealthy';
  const since = before?.status === status ? before.since : checkedAt;
  const problem = failed ? describe(failed) : null;
  const health: TargetHealth = { status, since, checkedAt, failures, problem };
  if (status === 'unhealthy' && before?.status !== 'unhealthy') return { health, event: 'code.target_unhealthy' };
  if (status === 'healthy' && before?.status === 'unhealthy') return { health, event: 'code.target_healthy' };
  return { health };
}

const describe = ({ path, problem, status }: TargetCheck): string =>
  `${path}: ${problem === 'status' ? `status ${status}` : problem}`;

/**
 * When a code is checked next: soon while it fails, else after the interval, a tenth sooner or later, so that codes
 * that were issued together do not stay together.
 * @param random from 0 to 1
 */
export function nextCheckAt(health: TargetHealth, at: Date, intervalMilliseconds: number, random: number): Date {
  const usual = intervalMilliseconds * (0.9 + 0.2 * random);
  const wait = health.status === 'failing' ? Math.min(RETRY_MILLISECONDS, usual) : usual;
  return new Date(at.getTime() + wait);
}

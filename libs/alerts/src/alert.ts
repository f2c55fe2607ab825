import { createHash } from 'node:crypto';
import { SEVERITIES, type Alert, type AlertAction, type Severity } from '@signet/contracts';

/** What somebody noticed. */
export interface Occurrence {
  workspaceId: string;
  /** Lower case with underscores; docs/using/alerts.md has a row for each. */
  kind: string;
  severity: Severity;
  /** For a person who knows nothing of the rule; one sentence, no secret. */
  sentence: string;
  /** What was measured. */
  signal: string;
  numbers: Readonly<Record<string, number>>;
  threshold: Readonly<Record<string, number>>;
  /** Ids of events, the newest last. */
  evidence?: readonly string[];
  codeId?: string;
  subject?: string;
  /** Truncated addresses. */
  network?: string;
  /** What is one and the same matter: while an alert of it is open, it counts what happens. */
  dedupeKey: string;
  /** For how long after it happened last nothing new is raised, though the alert was resolved. */
  coolDownSeconds: number;
  /** After how long without a further occurrence it resolves by itself; absent: only somebody resolves it. */
  resolveAfterSeconds?: number;
  actions?: readonly AlertAction[];
  /** How long the action `step_up` asks for more, from the occurrence on. */
  stepUpSeconds?: number;
  shadow?: boolean;
  /** How many these are; 1 unless said otherwise. */
  count?: number;
  at: Date;
}

/** An alert with what it is stored by. */
export interface StoredAlert extends Alert {
  workspaceId: string;
  dedupeHash: string;
  /** Until when what happens of it raises no other, when it is resolved. */
  coolUntil: string;
}

const MAX_EVIDENCE = 20;
const MAX_SENTENCE = 500;

/** The names in a key are of no use but to compare. */
export const dedupeHash = (key: string): string => createHash('sha256').update(key).digest('hex');

const later = (at: Date, seconds: number): string => new Date(at.getTime() + seconds * 1000).toISOString();
const latest = (one: string, other: string): string => (one > other ? one : other);
const rank = (severity: Severity): number => SEVERITIES.indexOf(severity);

const resolvesAt = ({ at, resolveAfterSeconds }: Occurrence): string | null =>
  resolveAfterSeconds === undefined ? null : later(at, resolveAfterSeconds);
const stepUpUntil = ({ at, actions = [], stepUpSeconds }: Occurrence): string | null =>
  actions.includes('step_up') && stepUpSeconds !== undefined ? later(at, stepUpSeconds) : null;

/** The alert of something that no open one is about. @param raisedAt now, which may be later than the occurrence */
export function toAlert(
  id: string,
  of: Occurrence,
  { muted, raisedAt }: { muted: boolean; raisedAt: Date },
): StoredAlert {
  const at = of.at.toISOString();
  return {
    id,
    workspaceId: of.workspaceId,
    kind: of.kind,
    severity: of.severity,
    status: 'open',
    sentence: of.sentence.slice(0, MAX_SENTENCE),
    signal: of.signal,
    numbers: { ...of.numbers },
    threshold: { ...of.threshold },
    evidence: (of.evidence ?? []).slice(-MAX_EVIDENCE),
    codeId: of.codeId ?? null,
    subject: of.subject ?? null,
    network: of.network ?? null,
    actions: [...(of.actions ?? ['alert' as const])],
    stepUpUntil: stepUpUntil(of),
    shadow: of.shadow ?? false,
    muted,
    count: of.count ?? 1,
    firstAt: at,
    lastAt: at,
    raisedAt: raisedAt.toISOString(),
    assignee: null,
    acknowledgedAt: null,
    acknowledgedBy: null,
    resolvedAt: null,
    resolvedBy: null,
    resolution: null,
    resolvesAt: resolvesAt(of),
    dedupeHash: dedupeHash(of.dedupeKey),
    coolUntil: later(of.at, of.coolDownSeconds),
  };
}

/**
 * The alert after a further occurrence: counted, with the newest numbers, and the higher severity. A late occurrence
 * counts, and changes nothing that a newer one said.
 */
export function happenedAgain(alert: StoredAlert, of: Occurrence, { muted }: { muted: boolean }): StoredAlert {
  const at = of.at.toISOString();
  const isNewest = at >= alert.lastAt;
  const isWorse = rank(of.severity) > rank(alert.severity);
  const resolves = resolvesAt(of);
  return {
    ...alert,
    ...(isNewest && { numbers: { ...of.numbers }, threshold: { ...of.threshold } }),
    ...((isNewest || isWorse) && { sentence: of.sentence.slice(0, MAX_SENTENCE) }),
    severity: isWorse ? of.severity : alert.severity,
    evidence: [...alert.evidence, ...(of.evidence ?? [])].slice(-MAX_EVIDENCE),
    muted: alert.status === 'resolved' ? alert.muted : muted,
    count: alert.count + (of.count ?? 1),
    firstAt: at < alert.firstAt ? at : alert.firstAt,
    lastAt: latest(alert.lastAt, at),
    resolvesAt: resolves && alert.resolvesAt ? latest(resolves, alert.resolvesAt) : (resolves ?? alert.resolvesAt),
    stepUpUntil: nextDemand(alert.stepUpUntil, of),
    coolUntil: latest(alert.coolUntil, later(of.at, of.coolDownSeconds)),
  };
}

/** A demand is told anew when less than half of its time is left, not at each occurrence. */
function nextDemand(before: string | null, of: Occurrence): string | null {
  const next = stepUpUntil(of);
  if (before === null || next === null) return next ?? before;
  return Date.parse(before) - of.at.getTime() < (Date.parse(next) - of.at.getTime()) / 2 ? next : before;
}

/**
 * Whether those who were told of an alert are told of it again, with the same id: because it got worse, because a mute
 * has ended, or because it asks for more for longer.
 */
export function isNews(before: StoredAlert, after: StoredAlert): boolean {
  if (after.status === 'resolved' || after.muted || after.shadow) return false;
  return before.muted || rank(after.severity) > rank(before.severity) || after.stepUpUntil !== before.stepUpUntil;
}

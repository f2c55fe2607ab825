import { topics, type Erasure, type ErasureStoreName, type TopicSpec } from '@signet/contracts';
import type { StoredErasure } from '@signet/privacy';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const SUBJECT_TOPICS: readonly TopicSpec[] = [topics.enrollments, topics.verifications, topics.alerts, topics.scans];
/** As long as the event log may still give something of a subject. */
export const LOG_DAYS = Math.max(...SUBJECT_TOPICS.map(({ retentionDays }) => retentionDays ?? 0));

/** What nobody can take a record out of, and how long it takes to end by itself: sealed answers, and the event log. */
const LIFETIMES: Partial<Record<ErasureStoreName, number>> = { answers: 24 * HOUR_MS, events: LOG_DAYS * DAY_MS };

/** @returns the erasure as the API shows it at a moment */
export function toErasure({ id, requestedAt, requestedBy, stores }: StoredErasure, at: Date): Erasure {
  const shown = stores.map(({ store, records, finishedAt }): Erasure['stores'][number] => {
    const lifetime = LIFETIMES[store];
    if (lifetime === undefined)
      return { store, status: finishedAt ? 'done' : 'pending', records, finishedAt: iso(finishedAt), until: null };
    const until = new Date(requestedAt.getTime() + lifetime);
    const isOver = until <= at;
    return {
      store,
      status: isOver ? 'done' : 'expiring',
      records,
      finishedAt: isOver ? until.toISOString() : null,
      until: until.toISOString(),
    };
  });
  const isDone = shown.every(({ status }) => status !== 'pending');
  const finished = stores.flatMap(({ finishedAt }) => finishedAt?.getTime() ?? []);
  return {
    id,
    status: isDone ? 'done' : 'pending',
    requestedAt: requestedAt.toISOString(),
    requestedBy,
    finishedAt: isDone ? new Date(Math.max(requestedAt.getTime(), ...finished)).toISOString() : null,
    stores: shown,
  };
}

const iso = (at: Date | null): string | null => at?.toISOString() ?? null;

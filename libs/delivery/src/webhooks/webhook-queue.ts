import { newId, type Clock, type EventBatch } from '@signet/platform';
import { ErasedSubjects } from '@signet/privacy';
import type { EntityManager } from 'typeorm';
import { queueDeliveries, type Message, type NewDelivery } from './deliveries.sql.js';
import type { StoredEndpoint } from './endpoints.sql.js';
import { isWanted } from './event-pattern.js';

export type LoggedEvent = EventBatch['events'][number];
export type Listener = Pick<StoredEndpoint, 'id' | 'workspaceId' | 'events'>;

/** Read by hand: this is done for every scan. */
function textOf(data: unknown, name: 'workspaceId' | 'subject'): string | undefined {
  const value: unknown = typeof data === 'object' && data !== null ? Reflect.get(data, name) : undefined;
  return typeof value === 'string' ? value : undefined;
}

/** Whose an event is; absent for what belongs to nobody, as the scan of an unknown slug. */
export const workspaceOf = ({ event: { data } }: LoggedEvent): string | undefined => textOf(data, 'workspaceId');

/** The one event that is told of an erased subject, so that whoever was told of it before can erase, too. */
const NOTICE = 'subject.erased';

/** Whom an event names. */
const subjectOf = ({ event: { type, data } }: LoggedEvent): string | null =>
  type === NOTICE ? null : (textOf(data, 'subject') ?? null);

/**
 * Leaves out what is told of subjects that were erased since: the log has it for its own time, and gives it late, or for a
 * replay. @param manager of the transaction that queues them
 */
export async function tellable<Logged extends LoggedEvent>(
  manager: EntityManager,
  events: readonly Logged[],
): Promise<Logged[]> {
  const named = events.flatMap((logged) => {
    const [workspaceId, subject] = [workspaceOf(logged), subjectOf(logged)];
    return workspaceId !== undefined && subject !== null ? [{ logged, workspaceId, subject }] : [];
  });
  const erased = await ErasedSubjects.among(manager, named);
  const gone = new Set<LoggedEvent>(
    named
      .filter(({ logged, ...of }) => erased.erasureOf({ ...of, at: new Date(logged.event.time) }) !== undefined)
      .map(({ logged }) => logged),
  );
  return events.filter((logged) => !gone.has(logged));
}

/** Queues each event for each listener that wants it. @returns how many deliveries are new */
export async function queueFor(
  manager: EntityManager,
  listeners: readonly Listener[],
  { events, clock }: { events: readonly LoggedEvent[]; clock: Clock },
): Promise<number> {
  const messages = new Map<string, Message>();
  const deliveries: NewDelivery[] = [];
  for (const logged of events) {
    const { id: eventId, type } = logged.event;
    const workspaceId = workspaceOf(logged);
    if (workspaceId === undefined) continue;
    for (const listener of listeners) {
      if (listener.workspaceId !== workspaceId || !isWanted(listener.events, type)) continue;
      messages.set(eventId, { eventId, workspaceId, type, body: logged.value, subject: subjectOf(logged) });
      deliveries.push({ id: newId(), endpointId: listener.id, eventId });
    }
  }
  if (deliveries.length === 0) return 0;
  return queueDeliveries(manager, [...messages.values()], deliveries, clock.now());
}

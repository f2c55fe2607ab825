import { newId, type Clock, type EventBatch } from '@signet/platform';
import type { EntityManager } from 'typeorm';
import { queueDeliveries, type Message, type NewDelivery } from './deliveries.sql.js';
import type { StoredEndpoint } from './endpoints.sql.js';
import { isWanted } from './event-pattern.js';

export type LoggedEvent = EventBatch['events'][number];
export type Listener = Pick<StoredEndpoint, 'id' | 'workspaceId' | 'events'>;

/** Whose an event is; absent for what belongs to nobody, as the scan of an unknown slug. */
export function workspaceOf({ event: { data } }: LoggedEvent): string | undefined {
  const isObject = typeof data === 'object' && data !== null;
  const workspaceId: unknown = isObject && 'workspaceId' in data ? data.workspaceId : undefined;
  return typeof workspaceId === 'string' ? workspaceId : undefined;
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
      messages.set(eventId, { eventId, workspaceId, type, body: logged.value });
      deliveries.push({ id: newId(), endpointId: listener.id, eventId });
    }
  }
  if (deliveries.length === 0) return 0;
  return queueDeliveries(manager, [...messages.values()], deliveries, clock.now());
}

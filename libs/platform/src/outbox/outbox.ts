import type { TopicName } from '@signet/contracts';
import type { EntityManager } from 'typeorm';
import { newId } from '../ids.js';
import { insertOutboxRows } from './outbox.sql.js';

export interface OutboxEvent {
  topic: TopicName;
  /** Also the CloudEvent's `subject`: the aggregate's id. */
  key: string;
  type: string;
  data: unknown;
  at: Date;
}

/**
 * Writes events in the transaction of the change that they tell of: both commit, or neither. The relay publishes them
 * afterwards. Data must hold no secret.
 */
export async function appendToOutbox(manager: EntityManager, events: readonly OutboxEvent[]): Promise<void> {
  if (events.length === 0) return;
  await insertOutboxRows(
    manager,
    events.map(({ topic, key, type, data, at }) => ({
      id: newId(),
      aggregatetype: topic,
      aggregateid: key,
      type,
      payload: data,
      timestamp: at,
    })),
  );
}

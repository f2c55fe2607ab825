import { randomUUID } from 'node:crypto';
import { dataSchemaUrn, topics, type ScanData, type ScanEvent } from '@signet/contracts';
import { newId, type EventBatch } from '@signet/platform';

const envelope = (id: string, time: string) => ({
  specversion: '1.0' as const,
  id,
  source: '/signet/redirect/test',
  time,
  datacontenttype: 'application/json' as const,
  sequence: '1',
});

/** A scan by an iPhone that was sent on, unless said otherwise. */
export function scanEvent(data: Partial<ScanData> = {}, id: string = newId()): ScanEvent {
  const at = data.at ?? '2026-03-04T05:06:07.890Z';
  return {
    ...envelope(id, at),
    type: 'scan.recorded',
    dataschema: dataSchemaUrn('scan.recorded'),
    data: {
      outcome: 'redirected',
      country: 'CH',
      deviceType: 'phone',
      os: 'iOS',
      browser: 'Safari',
      visitor: 'v1',
      bot: false,
      preview: false,
      ...data,
      at,
    },
  };
}

export function foldedEvent(
  data: Extract<ScanEvent, { type: 'scan.folded' }>['data'],
  id: string = newId(),
): ScanEvent {
  return { ...envelope(id, data.hour), type: 'scan.folded', dataschema: dataSchemaUrn('scan.folded'), data };
}

export function guessingEvent(
  data: Extract<ScanEvent, { type: 'scan.guessing' }>['data'],
  id: string = newId(),
): ScanEvent {
  return { ...envelope(id, data.to), type: 'scan.guessing', dataschema: dataSchemaUrn('scan.guessing'), data };
}

/** A partition of a log of its own: `batch(from, to)` hands the same events over at the same offsets each time. */
export class TestPartition {
  readonly logId = randomUUID();

  constructor(
    readonly events: readonly ScanEvent[],
    readonly firstOffset = 0n,
    readonly partition = 0,
  ) {}

  batch(from = 0, to = this.events.length): EventBatch<ScanEvent> {
    return {
      topic: topics.scans.name,
      partition: this.partition,
      logId: this.logId,
      firstOffset: this.firstOffset + BigInt(from),
      nextOffset: this.firstOffset + BigInt(to),
      events: this.events.slice(from, to).map((event, index) => ({
        offset: this.firstOffset + BigInt(from + index),
        event,
        value: Buffer.from(JSON.stringify(event)),
      })),
    };
  }
}

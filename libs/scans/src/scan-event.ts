import { dataSchemaUrn, type ScanEvent } from '@signet/contracts';

type Content<Event extends ScanEvent> = Event extends unknown ? Pick<Event, 'type' | 'data'> : never;
export type FoldedScans = Extract<ScanEvent, { type: 'scan.folded' }>['data'];

export interface ScanEventFacts {
  id: string;
  source: string;
  time: string;
  /** The code's id, or `UNKNOWN_CODE`. */
  subject: string;
  content: Content<ScanEvent>;
}

/** Subject and key of scans that belong to no code. */
export const UNKNOWN_CODE = 'unknown';

/**
 * @returns the CloudEvent as JSON, complete but for its number, which is given only when it is written: a write that
 * fails must leave no gap
 */
export function unnumberedEvent({ id, source, time, subject, content: { type, data } }: ScanEventFacts): string {
  const event = {
    specversion: '1.0',
    id,
    source,
    type,
    subject,
    time,
    datacontenttype: 'application/json',
    dataschema: dataSchemaUrn(type),
    data,
  } satisfies Record<Exclude<keyof ScanEvent, 'sequence'>, unknown>;
  return JSON.stringify(event);
}

/** @returns the event's final JSON: the same on Kafka, a webhook and SSE */
export const numberedEvent = (event: string, sequence: number): string =>
  `${event.slice(0, -1)},"sequence":"${sequence}"}`;

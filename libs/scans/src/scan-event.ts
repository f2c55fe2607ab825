import { dataSchemaUrn, type ScanData, type ScanEvent } from '@signet/contracts';
import { timeOf, type JournalEntry } from './journal-block.js';
import type { ScanFacts } from './scan-facts.js';
import { describeUserAgent } from './user-agent.js';

/** An event as the log takes it. */
export interface ShippableRecord {
  key: string;
  value: Buffer;
}

/** Subject and key of scans that belong to no code. */
const UNKNOWN_CODE = 'unknown';

/**
 * @param source the journal's; `sequence` counts without gaps in it
 * @returns the event's final bytes, the same on Kafka, a webhook and SSE; the same again for the same entry, so that a
 * record which is published twice is a twin
 */
export function toRecord(entry: JournalEntry, source: string, sequence: number): ShippableRecord {
  const time = new Date(timeOf(entry)).toISOString();
  const [head, data] = contentOf(entry, time);
  const key = data.codeId ?? UNKNOWN_CODE;
  // Put together by hand, which takes two thirds of the time: in these fields is nothing that JSON would escape.
  const identity = `"id":"${entry.id}","source":"${source}","subject":"${key}","time":"${time}","sequence":"${sequence}"`;
  return { key, value: Buffer.from(`${head},${identity},"data":${JSON.stringify(data)}}`) };
}

function contentOf(entry: JournalEntry, time: string): readonly [head: string, data: ScanEvent['data']] {
  if (entry.scan) return [scanHead, scanData(entry.scan, time)];
  return entry.folded ? [foldedHead, entry.folded] : [guessingHead, entry.guessing];
}

const headOf = (type: ScanEvent['type']): string =>
  JSON.stringify({
    specversion: '1.0',
    type,
    datacontenttype: 'application/json',
    dataschema: dataSchemaUrn(type),
  } satisfies Partial<ScanEvent>).slice(0, -1);
const scanHead = headOf('scan.recorded');
const foldedHead = headOf('scan.folded');
const guessingHead = headOf('scan.guessing');

function scanData(facts: ScanFacts, at: string): ScanData {
  const device = describeUserAgent(facts.userAgent);
  return {
    workspaceId: facts.workspaceId,
    codeId: facts.codeId,
    slug: facts.slug,
    codeVersion: facts.codeVersion,
    outcome: facts.outcome,
    targetIndex: facts.targetIndex,
    at,
    visitor: facts.visitor,
    ip: facts.ip,
    country: facts.country,
    region: facts.region,
    city: facts.city,
    deviceType: device.deviceType,
    os: device.os,
    browser: device.browser,
    language: facts.language,
    referrerHost: facts.referrerHost,
    bot: device.bot,
    preview: device.preview || facts.isPrefetch === true,
  };
}

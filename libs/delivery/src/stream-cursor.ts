import { STREAM_TOPICS, type StreamTopic } from '@signet/contracts';
import { z } from 'zod';

/** The next offset of each partition of a topic. Numbers: offsets stay far below 2^53. */
export type Positions = ReadonlyMap<number, number>;

/** How far a client has seen each topic that it follows; of a topic that is absent, nothing was asked for. */
export type TopicPositions = ReadonlyMap<StreamTopic, Positions>;

const OffsetsSchema = z.record(z.string().regex(/^\d{1,4}$/), z.int().min(0));
const CursorSchema = z.object({
  log: z.string(),
  next: z.partialRecord(z.enum(STREAM_TOPICS), OffsetsSchema),
});

/** @returns an opaque event id from which a client can go on, on any process that follows the same log */
export function encodeStreamCursor(logId: string, positions: TopicPositions): string {
  return joinCursor(
    logId,
    [...positions].map(([topic, offsets]) => [topic, positionsText(offsets)]),
  );
}

export const positionsText = (positions: Positions): string => JSON.stringify(Object.fromEntries(positions));

/** As `encodeStreamCursor`, of the texts of positions. */
export function joinCursor(logId: string, topics: readonly (readonly [StreamTopic, string])[]): string {
  const next = topics.map(([topic, text]) => `"${topic}":${text}`).join(',');
  return Buffer.from(`{"log":${JSON.stringify(logId)},"next":{${next}}}`).toString('base64url');
}

/** @param text what `positionsText` made */
export const readPositions = (text: string): Map<number, number> =>
  new Map(Object.entries(OffsetsSchema.parse(JSON.parse(text))).map(([partition, next]) => [Number(partition), next]));

/** @returns undefined for a cursor that this log has not given */
export function decodeStreamCursor(logId: string, cursor: string): TopicPositions | undefined {
  const parsed = CursorSchema.safeParse(readJson(cursor));
  if (!parsed.success || parsed.data.log !== logId) return undefined;
  const positions = new Map<StreamTopic, Positions>();
  for (const topic of STREAM_TOPICS) {
    const offsets = parsed.data.next[topic];
    if (!offsets) continue;
    positions.set(topic, new Map(Object.entries(offsets).map(([partition, next]) => [Number(partition), next])));
  }
  return positions;
}

function readJson(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return undefined;
  }
}

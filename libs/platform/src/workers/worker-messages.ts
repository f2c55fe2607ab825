import { z } from 'zod';

const id = z.int();
const about = z.enum(['metrics', 'health']);
/** What a worker can be asked about. */
export type Topic = z.infer<typeof about>;

/** Between the primary and its workers; what Node sends over the same channel is none of these. */
export const WorkerMessageSchema = z.discriminatedUnion('signet', [
  /** A worker wants to know of all. */
  z.object({ signet: z.literal('ask'), id, about }),
  /** The primary passes the question on. */
  z.object({ signet: z.literal('tell'), id, about }),
  z.object({ signet: z.literal('told'), id, answer: z.unknown() }),
  /** Of those that answered in time, of `count`. */
  z.object({ signet: z.literal('answers'), id, answers: z.array(z.unknown()), count: z.int() }),
]);
export type WorkerMessage = z.infer<typeof WorkerMessageSchema>;

import type { RingLimits } from './event-ring.js';

/** What the stream may cost a process; tests make it smaller. */
export class StreamLimits {
  readonly subscribers: number = 2000;
  /** Of each topic. */
  readonly ring: RingLimits = { entries: 20_000, bytes: 32 * 1024 * 1024 };
  /** Records of each partition that a process starts with: what a client can go on from after its restart. */
  readonly backlog: number = 5000;
  /** Unsent bytes of a client, above which it gets nothing more until it has read them. */
  readonly bufferBytes: number = 1024 * 1024;
  /** A client that has not caught up after one of them is dropped. */
  readonly pingMilliseconds: number = 15_000;
  /** How often keys are looked up again, and tags. */
  readonly authorizeMilliseconds: number = 5000;
  /** How often at most a client is told of events that replace one another: four times a second. */
  readonly coalesceMilliseconds: number = 250;
  /** After which a client is told to connect again. */
  readonly retryMilliseconds: number = 3000;
  /** How long a client waits for the log to be followed. */
  readonly readyMilliseconds: number = 5000;
  /** How long the past may take to be read before what comes counts as new. */
  readonly pastMilliseconds: number = 10_000;
  /** How long an ended client may take to read its last events. */
  readonly goodbyeMilliseconds: number = 2000;

  constructor(limits: Partial<StreamLimits> = {}) {
    Object.assign(this, limits);
  }
}

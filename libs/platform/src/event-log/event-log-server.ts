import { Catch, type INestApplication, type RpcExceptionFilter } from '@nestjs/common';
import { Server, type CustomTransportStrategy } from '@nestjs/microservices';
import { eventSchemas, topics, type SignetEvent } from '@signet/contracts';
import { lastValueFrom, isObservable, throwError, type Observable } from 'rxjs';
import { Backoff } from '../backoff.js';
import { isTransient } from '../errors.js';
import type { Logger } from '../logging.js';
import { counter, type Counter, type Registry } from '../metrics.js';
import { ConsumerLag } from './consumer-lag.js';
import type { EventLog, LogRecord, RecordBatch, Subscription } from './event-log.js';

/** Parsed events of one partition in the order of their offsets; what an `@EventPattern(topic)` method takes. */
export interface EventBatch<Event = SignetEvent> {
  /** Identifies the log, so that offsets of one are never read as another's. */
  logId: string;
  topic: string;
  partition: number;
  firstOffset: bigint;
  /** The offset at which to go on after this batch. */
  nextOffset: bigint;
  /**
   * With the record's bytes, which are the same everywhere. Lacks the records that were put aside; may be empty, so that
   * a consumer that keeps offsets can move on. Parsed when first asked for: who knows that nobody waits for them need
   * not look, and the batch costs nothing.
   */
  readonly events: { offset: bigint; event: Event; value: Buffer }[];
}

/** What an `@EventPattern` method names beside its topic, so that it gets the batches of one group only. */
export const eventGroup = (group: string): symbol => Symbol.for(`signet event group ${group}`);

export interface EventLogServerOptions {
  eventLog: EventLog;
  group: string;
  logger: Logger;
  metrics: Registry;
}

const describe = (reason: unknown): string => (reason instanceof Error ? reason.message : String(reason)).slice(0, 500);

/**
 * Nest's transport strategy over the event log: `@EventPattern('signet.scans.v1')` methods take whole batches, and a
 * batch is committed when its method has resolved. A record that cannot be parsed, or that alone makes its method fail
 * for good, goes to the dead-letter topic with the reason, and the batch goes on. (Nest's stock Kafka server takes one
 * message at a time and repeats a poisonous one for ever.)
 */
export class EventLogServer extends Server implements CustomTransportStrategy {
  /** Asks Nest to hand a method's failure back, so that the batch comes again, in place of logging it. */
  override readonly propagatesEventHandlerErrors = true;
  private readonly backoff = new Backoff({ minMilliseconds: 250, maxMilliseconds: 5000 });
  private readonly consumed: Counter<'topic'>;
  private readonly deadLetters: Counter<'topic' | 'reason'>;
  private subscription?: Subscription;
  private starting?: Promise<void>;
  private closing = false;

  constructor(private readonly options: EventLogServerOptions) {
    super();
    const { metrics, group } = options;
    this.transportId = eventGroup(group);
    this.consumed = counter(metrics, 'signet_consumed_events_total', 'Events handed to their consumers', ['topic']);
    this.deadLetters = counter(metrics, 'signet_dead_letters_total', 'Records put aside', ['topic', 'reason']);
  }

  /** Returns at once: a log that is away is waited for in the background, and HTTP comes up meanwhile. */
  listen(callback: () => void): void {
    const { metrics, group } = this.options;
    ConsumerLag.in(metrics).observe(group, () => this.lag());
    this.starting = this.subscribe();
    callback();
  }

  async close(): Promise<void> {
    this.closing = true;
    this.backoff.wake();
    await this.starting;
    await this.subscription?.stop();
  }

  override on(): never {
    throw new Error('The event log has no events of its own to listen to');
  }
  override unwrap(): never {
    throw new Error('Ask for EventLog itself');
  }

  private get topics(): string[] {
    return [...this.messageHandlers.keys()];
  }

  private async lag(): Promise<number> {
    const partitions = await this.options.eventLog.lag(this.options.group, this.topics);
    return partitions.reduce((sum, { lag }) => sum + lag, 0);
  }

  private async subscribe(): Promise<void> {
    const { eventLog, group, logger } = this.options;
    while (!this.closing) {
      try {
        await eventLog.ensureTopics(Object.values(topics));
        const onBatch = (batch: RecordBatch): Promise<void> => this.handle(batch);
        this.subscription = await eventLog.consume({ group, topics: this.topics, onBatch });
        return;
      } catch (error) {
        logger.warn({ err: error, group }, 'the event log cannot be consumed yet; trying again');
        await this.backoff.sleepAfterFailure();
      }
    }
  }

  private async handle({ topic, partition, records }: RecordBatch): Promise<void> {
    const [first, last] = [records[0], records.at(-1)];
    if (!first || !last) return;
    let parsed: ParsedRecords | undefined;
    const batch: EventBatch = {
      logId: await this.options.eventLog.id(),
      topic,
      partition,
      firstOffset: first.offset,
      nextOffset: last.offset + 1n,
      get events() {
        parsed ??= parseRecords(records);
        return parsed.events;
      },
    };
    await this.dispatch(batch, records);
    // Last, so that a batch that comes again leaves one letter.
    const { unreadable = [] } = parsed ?? {};
    for (const { record, reason } of unreadable) await this.putAside(record, 'unreadable', reason);
    this.consumed.inc({ topic }, records.length - unreadable.length);
  }

  /** Halves a batch that fails for good until the record that fails it stands alone. */
  private async dispatch(batch: EventBatch, records: readonly LogRecord[]): Promise<void> {
    try {
      await this.invoke(batch);
    } catch (error) {
      if (isTransient(error) || this.closing) throw error;
      const [only, second] = batch.events;
      if (!only) throw error;
      if (!second) {
        const record = records.find(({ offset }) => offset === only.offset);
        if (record) await this.putAside(record, 'failed', describe(error));
        return this.invoke({ ...batch, events: [] });
      }
      const [front, back] = halves(batch);
      await this.dispatch(front, records);
      await this.dispatch(back, records);
    }
  }

  private async invoke(batch: EventBatch): Promise<void> {
    const handler = this.messageHandlers.get(batch.topic);
    const result: unknown = await handler?.(batch);
    if (isObservable(result)) await lastValueFrom(result, { defaultValue: undefined });
  }

  private async putAside(record: LogRecord, reason: 'unreadable' | 'failed', detail: string): Promise<void> {
    const { topic, partition, offset, key, value } = record;
    const { eventLog, logger } = this.options;
    const letter = { reason, detail, topic, partition, offset: String(offset), key, value: value.toString('base64') };
    await eventLog.publish(topics.deadLetter.name, [{ key: topic, value: Buffer.from(JSON.stringify(letter)) }]);
    this.deadLetters.inc({ topic, reason });
    logger.error(
      { topic, partition, offset: String(offset), reason, detail },
      'a record went to the dead-letter topic',
    );
  }
}

interface ParsedRecords {
  events: EventBatch['events'];
  unreadable: { record: LogRecord; reason: string }[];
}

function parseRecords(records: readonly LogRecord[]): ParsedRecords {
  const events: ParsedRecords['events'] = [];
  const unreadable: ParsedRecords['unreadable'] = [];
  for (const record of records) {
    const { event, reason } = parseEvent(record);
    if (event) events.push({ offset: record.offset, event, value: record.value });
    else unreadable.push({ record, reason });
  }
  return { events, unreadable };
}

function parseEvent(record: LogRecord): { event?: SignetEvent; reason: string } {
  const schema = eventSchemas[record.topic];
  if (!schema) return { reason: `no schema for ${record.topic}` };
  try {
    const parsed = schema.safeParse(JSON.parse(record.value.toString()));
    if (parsed.success) return { event: parsed.data, reason: '' };
    return {
      reason: parsed.error.issues
        .map(({ path, message }) => `${path.join('.')}: ${message}`)
        .join('; ')
        .slice(0, 500),
    };
  } catch (error) {
    return { reason: describe(error) };
  }
}

function halves(batch: EventBatch): [EventBatch, EventBatch] {
  const middle = Math.floor(batch.events.length / 2);
  const [front, back] = [batch.events.slice(0, middle), batch.events.slice(middle)];
  const border = back[0]?.offset ?? batch.nextOffset;
  return [
    { ...batch, events: front, nextOffset: border },
    { ...batch, events: back, firstOffset: border },
  ];
}

/** Hands a consumer's failure on as it is; Nest's own filter would replace it by "Internal server error". */
@Catch()
class FailureToTransport implements RpcExceptionFilter {
  catch(failure: unknown): Observable<never> {
    return throwError(() => failure);
  }
}

/** Lets the `@EventPattern` methods of an application consume the event log as members of a group. */
export function consumeEvents(app: INestApplication, options: EventLogServerOptions): void {
  // Filters count for the methods that are registered after them, so registering waits until the services start.
  const microservice = app.connectMicroservice(
    { strategy: new EventLogServer(options) },
    { deferInitialization: true },
  );
  microservice.useGlobalFilters(new FailureToTransport());
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer } from 'kafkajs';
import type { Logger } from '../logging.js';
import { withBackoff } from './delivery.js';
import type { Subscription } from './event-log.js';
import { passes } from './kafka-client.js';

/** A consumer that lived so long did not fail at its start: the next pause is a short one again. */
const SOUND_LIFE_MS = 60_000;
/** How long a consumer may take to commit and leave its group; with the brokers away it would take until they are back. */
const LEAVE_TIMEOUT_MS = 5000;

export interface KafkaSubscriptionOptions {
  /** Rejects while the brokers are away. */
  ping: () => Promise<void>;
  createConsumer: () => Consumer;
  /** Subscribes and runs a consumer that is connected. Every call of a handler goes through `track`. */
  run: (consumer: Consumer, life: { signal: AbortSignal; track: Track }) => Promise<void>;
  logger: Logger;
  /** Called with a failure that the next consumer would meet as well. */
  onCrash: (error: Error) => void;
}

type Track = (handling: Promise<void>) => Promise<void>;

/**
 * Keeps a consumer until it is stopped. The consumer itself goes on through an outage of the brokers, of any length,
 * as the member of its group that it was; when kafkajs gives it up all the same, another follows.
 */
export class KafkaSubscription implements Subscription {
  /** Resolves when the first attempt to start is over, whether it succeeded or will be made again. */
  readonly tried: Promise<void>;
  readonly #options: KafkaSubscriptionOptions;
  readonly #stopping = new AbortController();
  readonly #ended: Promise<void>;
  readonly #inHand = new Set<Promise<void>>();

  constructor(options: KafkaSubscriptionOptions) {
    this.#options = options;
    let wasTried = (): void => {};
    this.tried = new Promise((resolve) => (wasTried = resolve));
    this.#ended = this.#live(this.#stopping.signal, wasTried);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#ended;
  }

  #live(signal: AbortSignal, wasTried: () => void): Promise<void> {
    const { logger, onCrash } = this.#options;
    return withBackoff(signal, async (backoff) => {
      while (!signal.aborted) {
        const startedAt = performance.now();
        const error = await this.#liveOnce(signal, wasTried);
        wasTried();
        if (!error) return;
        if (!passes(error)) {
          onCrash(error);
          return;
        }
        logger.warn({ err: error }, 'a consumer has no brokers; it starts again');
        if (performance.now() - startedAt > SOUND_LIFE_MS) backoff.reset();
        await backoff.sleepAfterFailure();
      }
    });
  }

  /** @returns why the consumer ended; undefined when it was told to */
  async #liveOnce(signal: AbortSignal, wasStarted: () => void): Promise<Error | undefined> {
    const consumer = this.#options.createConsumer();
    const life = new AbortController();
    const end = new Promise<Error | undefined>((resolve) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => resolve(payload.error));
      signal.addEventListener('abort', () => resolve(undefined), { signal: life.signal });
    });
    const starting = this.#start(consumer, signal);
    try {
      await Promise.race([starting, end]);
      wasStarted();
      return await end;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    } finally {
      life.abort();
      await Promise.allSettled(this.#inHand);
      const leaving = this.#leave(consumer, starting);
      await Promise.race([leaving, sleep(LEAVE_TIMEOUT_MS, undefined, { ref: false })]);
    }
  }

  async #start(consumer: Consumer, signal: AbortSignal): Promise<void> {
    await this.#options.ping();
    if (signal.aborted) return;
    await consumer.connect();
    if (signal.aborted) return;
    const track: Track = (handling) => {
      this.#inHand.add(handling);
      return handling.finally(() => this.#inHand.delete(handling));
    };
    await this.#options.run(consumer, { signal, track });
  }

  /** kafkajs leaves a group only when it has finished joining it. */
  async #leave(consumer: Consumer, starting: Promise<void>): Promise<void> {
    await Promise.allSettled([starting]);
    try {
      await consumer.disconnect();
    } catch (error) {
      this.#options.logger.debug({ err: error }, 'a consumer did not disconnect cleanly');
    }
  }
}

import {
  BackgroundLoop,
  Clock,
  counter,
  LOGGER,
  observedGauge,
  Registry,
  type Counter,
  type Logger,
} from '@signet/platform';
import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { nextAttemptAt } from '../webhooks/retry-schedule.js';
import { SealedSettings } from './channel-settings.js';
import { Messenger } from './messenger.js';
import { countWaiting, readWaiting, storeResult, takeDueChannels, type DueChannel } from './queue.sql.js';

const IDLE_MILLISECONDS = 1000;
/** Channels that are told at once: a slow server holds one of these places. */
const AT_ONCE = 20;
/** Of one message. Beyond it people are told a number, and a syslog server the rest in the next message. */
const MAX_TOLD = 500;
/** Longer than a message can take, and its result to be stored. */
const LOST_AFTER_MILLISECONDS = 120_000;

/**
 * Sends what waits for channels: one message a channel at a time, after which it rests for its digest time, so that a
 * storm of alerts is one message and then another. Failures are tried again by the table of webhooks. What a process had
 * in hand when it died is sent again: at least once.
 */
@Injectable()
export class NotificationSender implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly loop: BackgroundLoop;
  private readonly sent: Counter<'kind' | 'result'>;
  private readonly inHand = new Set<Promise<void>>();

  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly settings: SealedSettings,
    private readonly messenger: Messenger,
    @Inject(LOGGER) private readonly logger: Logger,
    metrics: Registry,
  ) {
    this.sent = counter(metrics, 'signet_notifications_total', 'Messages to notification channels', ['kind', 'result']);
    observedGauge(metrics, 'signet_notification_waiting', 'Alerts that wait for their channels', () =>
      countWaiting(dataSource.manager),
    );
    this.loop = new BackgroundLoop({
      failure: 'notifications cannot be sent',
      step: () => this.sendDue(),
      idleMilliseconds: IDLE_MILLISECONDS,
      logger,
    });
  }

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.loop.stop();
    await Promise.all(this.inHand);
  }

  /** There is something to tell. */
  wake(): void {
    this.loop.wake();
  }

  private async sendDue(): Promise<boolean> {
    const limit = AT_ONCE - this.inHand.size;
    if (limit <= 0) {
      await Promise.race(this.inHand);
      return true;
    }
    const at = this.clock.now();
    const lostAt = new Date(at.getTime() + LOST_AFTER_MILLISECONDS);
    const due = await takeDueChannels(this.dataSource.manager, { limit, at, lostAt });
    for (const channel of due) {
      const sending = this.tell(channel)
        .catch((error: unknown) => this.logger.warn({ err: error, channelId: channel.id }, 'a notification was lost'))
        .finally(() => {
          this.inHand.delete(sending);
          this.loop.wake();
        });
      this.inHand.add(sending);
    }
    return due.length === limit;
  }

  private async tell(channel: DueChannel): Promise<void> {
    const { id: channelId, kind, attempt, digestSeconds } = channel;
    const alerts = await readWaiting(this.dataSource.manager, channelId, MAX_TOLD);
    const [first] = alerts;
    if (!first) return;
    const settings = this.settings.open(channel.sealedSettings, channel);
    const { failure } = await this.messenger.send(settings, alerts, `${first.eventId}.${channelId}`);
    this.sent.inc({ kind, result: failure === null ? 'sent' : 'failed' });
    const at = this.clock.now();
    const next = failure === null ? rested(at, kind === 'syslog' ? 0 : digestSeconds) : retried(at, attempt);
    if (failure !== null) this.logger.warn({ channelId, kind, attempt, failure }, 'a notification did not go out');
    await this.dataSource.transaction((manager) =>
      storeResult(manager, {
        channelId,
        told: failure === null || next === undefined ? alerts.map(({ eventId }) => eventId) : [],
        failure,
        isOver: next === undefined,
        nextAt: next ?? at,
        at,
      }),
    );
  }
}

const rested = (at: Date, seconds: number): Date => new Date(at.getTime() + seconds * 1000);
const retried = (at: Date, attempt: number): Date | undefined => nextAttemptAt({ attempt, at, random: Math.random() });

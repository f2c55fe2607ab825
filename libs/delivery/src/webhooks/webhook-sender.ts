import { setTimeout as sleep } from 'node:timers/promises';
import { Alerts } from '@signet/alerts';
import { appendAudit } from '@signet/audit';
import {
  BackgroundLoop,
  Clock,
  counter,
  Histogram,
  LOGGER,
  observedGauge,
  Registry,
  type Counter,
  type Logger,
} from '@signet/platform';
import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import {
  readQueueDepth,
  removeOldMessages,
  storeResults,
  takeDue,
  type AttemptResult,
  type DueDelivery,
} from './deliveries.sql.js';
import { EndpointKeys } from './endpoint-keys.js';
import { noteHealth } from './endpoints.sql.js';
import { nextAttemptAt, retryAfterSeconds } from './retry-schedule.js';
import { isDelivered, WebhookClient, type Sent } from './webhook-client.js';
import { switchedOff } from './webhook-alert.js';
import { WebhookLimits } from './webhook-limits.js';

const IDLE_MILLISECONDS = 500;
/** Longer than an attempt can take, and its result to be stored. */
const LOST_AFTER_MILLISECONDS = 60_000;
/** What ends within so long is replaced together: to take deliveries one by one costs more than to send them. */
const TAKE_TOGETHER_MILLISECONDS = 10;
const CLEANING_MILLISECONDS = 3_600_000;
const CLEANED_AT_ONCE = 1000;
const DAY_MILLISECONDS = 86_400_000;
const GONE = 410;

interface Outcome {
  delivery: DueDelivery;
  sent: Sent;
}

/**
 * Works off the queue of deliveries: many at once, but few to one endpoint, so that a slow one delays nobody else. What
 * a process had in hand when it died is sent again, with the same id.
 */
@Injectable()
export class WebhookSender implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly loop: BackgroundLoop;
  private readonly cleaning: BackgroundLoop;
  private readonly attempts: Counter<'result'>;
  private readonly seconds: Histogram;
  private readonly busy = new Map<string, number>();
  private readonly inHand = new Set<Promise<void>>();
  private outcomes: Outcome[] = [];
  private storing: Promise<void> | undefined;

  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly keys: EndpointKeys,
    private readonly client: WebhookClient,
    private readonly limits: WebhookLimits,
    private readonly alerts: Alerts,
    @Inject(LOGGER) private readonly logger: Logger,
    metrics: Registry,
  ) {
    this.attempts = counter(metrics, 'signet_webhook_attempts_total', 'Webhook deliveries tried', ['result']);
    this.seconds = new Histogram({
      name: 'signet_webhook_seconds',
      help: 'How long endpoints took to answer',
      buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15],
      registers: [metrics],
    });
    const depth = () => readQueueDepth(dataSource.manager, clock.now());
    observedGauge(metrics, 'signet_webhook_pending', 'Deliveries that wait', async () => (await depth()).pending);
    observedGauge(
      metrics,
      'signet_webhook_overdue_seconds',
      'How long the longest due delivery has waited',
      async () => (await depth()).oldestSeconds,
    );
    this.loop = new BackgroundLoop({
      failure: 'webhooks cannot be delivered',
      step: () => this.sendDue(),
      idleMilliseconds: IDLE_MILLISECONDS,
      logger,
    });
    this.cleaning = new BackgroundLoop({
      failure: 'the log of webhooks cannot be cleaned',
      step: () => this.clean(),
      idleMilliseconds: CLEANING_MILLISECONDS,
      logger,
    });
  }

  onApplicationBootstrap(): void {
    this.loop.start();
    this.cleaning.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([this.loop.stop(), this.cleaning.stop()]);
    // What does not answer in time is sent again by the next process.
    const finished = Promise.all(this.inHand).then(() => this.storing);
    await Promise.race([finished, sleep(this.limits.shutdownMilliseconds, undefined, { ref: false })]);
  }

  /** There are deliveries that are due. */
  wake(): void {
    this.loop.wake();
  }

  private async sendDue(): Promise<boolean> {
    if (this.inHand.size > 0) await sleep(TAKE_TOGETHER_MILLISECONDS);
    const { concurrency, perEndpoint } = this.limits;
    const limit = concurrency - this.inHand.size;
    if (limit <= 0) {
      await Promise.race(this.inHand);
      return true;
    }
    const at = this.clock.now();
    const lostAt = new Date(at.getTime() + LOST_AFTER_MILLISECONDS);
    const due = await takeDue(this.dataSource.manager, { limit, perEndpoint, busy: this.busy, at, lostAt });
    if (due.length === 0) return false;
    const owners = new Map(due.map(({ endpointId, workspaceId }) => [endpointId, { endpointId, workspaceId }]));
    const secrets = await this.keys.secretsOf(this.dataSource.manager, [...owners.values()], at);
    for (const delivery of due) this.start(delivery, secrets.get(delivery.endpointId) ?? []);
    return true;
  }

  private start(delivery: DueDelivery, secrets: readonly string[]): void {
    const { endpointId } = delivery;
    this.busy.set(endpointId, (this.busy.get(endpointId) ?? 0) + 1);
    const sending = this.send(delivery, secrets).finally(() => {
      this.inHand.delete(sending);
      const left = (this.busy.get(endpointId) ?? 1) - 1;
      if (left === 0) this.busy.delete(endpointId);
      else this.busy.set(endpointId, left);
      // Its endpoint may have more that waited for this one.
      this.loop.wake();
    });
    this.inHand.add(sending);
  }

  private async send(delivery: DueDelivery, secrets: readonly string[]): Promise<void> {
    const { url, eventId, body } = delivery;
    const sent = await this.client.send({ url, eventId, body, secrets });
    this.attempts.inc({ result: isDelivered(sent) ? 'delivered' : 'failed' });
    this.seconds.observe(sent.milliseconds / 1000);
    this.outcomes.push({ delivery, sent });
    this.storing ??= this.store().finally(() => (this.storing = undefined));
    await this.storing;
  }

  /** Results that come while others are being stored share the next statement. */
  private async store(): Promise<void> {
    while (this.outcomes.length > 0) {
      const outcomes = this.outcomes;
      this.outcomes = [];
      try {
        await this.dataSource.transaction((manager) => this.storeTogether(manager, outcomes));
      } catch (error) {
        this.logger.warn(
          { err: error, results: outcomes.length },
          'results of webhooks were lost; they are sent again',
        );
      }
    }
  }

  private async storeTogether(manager: EntityManager, outcomes: readonly Outcome[]): Promise<void> {
    const at = this.clock.now();
    await storeResults(manager, outcomes.map(toResult));
    const failingSinceBefore = new Date(at.getTime() - this.limits.disableAfterMilliseconds);
    for (const { id, workspaceId, url, disabledReason } of await noteHealth(manager, healthOf(outcomes), {
      at,
      failingSinceBefore,
    })) {
      this.logger.warn({ webhookId: id, reason: disabledReason }, 'a webhook was switched off');
      const entry = { at, workspaceId, actor: 'system', action: 'webhook.disable', webhookId: id };
      await appendAudit(manager, disabledReason === null ? entry : { ...entry, reason: disabledReason });
      await this.alerts.raise(manager, switchedOff({ id, workspaceId, url, disabledReason, at }, this.limits));
    }
  }

  private clean(): Promise<boolean> {
    const before = new Date(this.clock.now().getTime() - this.limits.logDays * DAY_MILLISECONDS);
    return this.dataSource.transaction((manager) => removeOldMessages(manager, before, CLEANED_AT_ONCE));
  }
}

function toResult({ delivery, sent: { retryAfter, ...sent } }: Outcome): AttemptResult {
  const at = new Date(sent.at);
  const result = { ...sent, deliveryId: delivery.id, number: delivery.attempt };
  if (isDelivered(sent)) return { ...result, state: 'delivered', nextAttemptAt: null };
  const wait = { attempt: delivery.attempt, at, retryAfter: retryAfterSeconds(retryAfter, at), random: Math.random() };
  const next = sent.status === GONE ? undefined : nextAttemptAt(wait);
  return { ...result, state: next ? 'pending' : 'failed', nextAttemptAt: next?.toISOString() ?? null };
}

/** By endpoint: one success outweighs the failures beside it. */
function healthOf(outcomes: readonly Outcome[]) {
  const byEndpoint = new Map<string, { endpointId: string; succeeded: boolean; gone: boolean }>();
  for (const { delivery, sent } of outcomes) {
    const { endpointId } = delivery;
    const known = byEndpoint.get(endpointId) ?? { endpointId, succeeded: false, gone: false };
    known.succeeded ||= isDelivered(sent);
    known.gone = sent.status === GONE;
    byEndpoint.set(endpointId, known);
  }
  return [...byEndpoint.values()];
}

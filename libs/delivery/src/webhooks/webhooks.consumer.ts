import { EnrollmentEventSchema, topics, type SignetEvent } from '@signet/contracts';
import { Clock, counter, eventGroup, Registry, type Counter, type EventBatch } from '@signet/platform';
import { ErasedSubjects, markErased } from '@signet/privacy';
import { Controller } from '@nestjs/common';
import { EventPattern } from '@nestjs/microservices';
import { DataSource } from 'typeorm';
import { findListening, hasEndpointsFor } from './endpoints.sql.js';
import { NotificationQueue } from '../notifications/notification-queue.js';
import { eraseWaiting } from '../notifications/queue.sql.js';
import { eraseMessages } from './erasure.sql.js';
import { queueFor, tellable, workspaceOf } from './webhook-queue.js';
import { WebhookSender } from './webhook-sender.js';

export const WEBHOOKS_GROUP = 'signet-webhooks';
const GROUP = eventGroup(WEBHOOKS_GROUP);

/** Takes events off the log into the queue of deliveries. A batch that comes again finds its deliveries queued. */
@Controller()
export class WebhooksConsumer {
  private readonly queued: Counter;

  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly sender: WebhookSender,
    private readonly notifications: NotificationQueue,
    metrics: Registry,
  ) {
    this.queued = counter(metrics, 'signet_webhook_queued_total', 'Webhook deliveries queued', []);
  }

  @EventPattern(topics.codes.name, GROUP)
  onCodes(batch: EventBatch): Promise<void> {
    return this.take(batch);
  }
  @EventPattern(topics.scans.name, GROUP)
  async onScans(batch: EventBatch): Promise<void> {
    // Scans are most of all events: where no endpoint wants any, they are not even parsed.
    if (await hasEndpointsFor(this.dataSource.manager, 'scan')) await this.take(batch);
  }
  @EventPattern(topics.enrollments.name, GROUP)
  async onEnrollments(batch: EventBatch): Promise<void> {
    await this.take(batch);
    for (const { event } of batch.events) if (event.type === 'subject.erased') await this.erase(event);
  }
  @EventPattern(topics.verifications.name, GROUP)
  onVerifications(batch: EventBatch): Promise<void> {
    return this.take(batch);
  }
  @EventPattern(topics.alerts.name, GROUP)
  async onAlerts(batch: EventBatch): Promise<void> {
    await this.take(batch);
    await this.notifications.take(batch.events);
  }

  /** What is in the log of deliveries, or waits for channels; the notice of the erasure itself stays for its time. */
  private async erase(event: SignetEvent): Promise<void> {
    const { workspaceId, subject, erasureId } = EnrollmentEventSchema.parse(event).data;
    if (erasureId === undefined) return;
    await this.dataSource.transaction(async (manager) => {
      await ErasedSubjects.hold(manager);
      const at = this.clock.now();
      const records = await eraseMessages(manager, { workspaceId, subject }, at);
      const waiting = await eraseWaiting(manager, workspaceId, subject);
      await markErased(manager, { erasureId, store: 'deliveries', records: records + waiting }, at);
    });
  }

  private async take({ events }: EventBatch): Promise<void> {
    const workspaceIds = new Set(events.flatMap((logged) => workspaceOf(logged) ?? []));
    if (workspaceIds.size === 0) return;
    const listeners = await findListening(this.dataSource.manager, [...workspaceIds]);
    if (listeners.length === 0) return;
    // An endpoint is told of what happens from its creation on; what was before can be replayed.
    const since = new Map(listeners.map(({ id, createdAt }) => [id, createdAt]));
    const count = await this.dataSource.transaction(async (manager) => {
      let queued = 0;
      const told = await tellable(manager, events);
      for (const listener of listeners) {
        const fresh = told.filter(({ event }) => event.time >= (since.get(listener.id) ?? ''));
        queued += await queueFor(manager, [listener], { events: fresh, clock: this.clock });
      }
      return queued;
    });
    if (count === 0) return;
    this.queued.inc(count);
    this.sender.wake();
  }
}

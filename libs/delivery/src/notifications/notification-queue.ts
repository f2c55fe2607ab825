import { AlertEventSchema, SEVERITIES, type AlertEvent } from '@signet/contracts';
import { Clock } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { tellable, type LoggedEvent } from '../webhooks/webhook-queue.js';
import type { ToldAlert } from './notification.js';
import { NotificationSender } from './notification-sender.js';
import { findListeningChannels, queueAlerts, type ListeningChannel } from './queue.sql.js';

/** Puts alerts where they wait for the channels that are to tell of them. */
@Injectable()
export class NotificationQueue {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly sender: NotificationSender,
  ) {}

  /** Of the log; a batch that comes again finds its alerts waiting. What was told and comes again is told again. */
  async take(events: readonly LoggedEvent[]): Promise<void> {
    const alerts = events.flatMap((logged) => {
      const { data: event } = AlertEventSchema.safeParse(logged.event);
      return event ? [{ ...logged, event }] : [];
    });
    if (alerts.length === 0) return;
    const count = await this.dataSource.transaction(async (manager) => {
      const told = (await tellable(manager, alerts)).map(({ event }) => event);
      const channels = await findListeningChannels(manager, [...new Set(told.map(({ data }) => data.workspaceId))]);
      const waiting = told.flatMap((event) =>
        channels
          .filter((channel) => wants(channel, event))
          .map(({ id: channelId, workspaceId }) => ({ channelId, workspaceId, alert: toTold(event) })),
      );
      return waiting.length === 0 ? 0 : queueAlerts(manager, waiting, this.clock.now());
    });
    if (count > 0) this.sender.wake();
  }
}

/** A channel is told of what happens from its creation on. */
function wants(channel: ListeningChannel, { type, time, data }: AlertEvent): boolean {
  return (
    channel.workspaceId === data.workspaceId &&
    new Date(time) >= channel.since &&
    SEVERITIES.indexOf(data.severity) >= SEVERITIES.indexOf(channel.minSeverity) &&
    (channel.alertKinds === null || channel.alertKinds.includes(data.kind)) &&
    (type === 'alert.raised' || channel.resolved)
  );
}

function toTold({ id, type, data }: AlertEvent): ToldAlert {
  const { kind, severity, sentence, codeId, subject, network, numbers } = data;
  const isResolved = type === 'alert.resolved';
  const at = isResolved ? (data.resolvedAt ?? data.lastAt) : data.lastAt;
  const about = { kind, severity, sentence, codeId, subject, network, numbers };
  return { ...about, eventId: id, alertId: data.id, isResolved, at };
}

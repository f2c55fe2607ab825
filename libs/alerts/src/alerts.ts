import { topics, type Alert } from '@signet/contracts';
import { appendToOutbox, Clock, newId, OutboxRelay } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { dedupeHash, happenedAgain, isNews, toAlert, type Occurrence, type StoredAlert } from './alert.js';
import { anonymiseAlerts, insertAlert, lockLive, shown, updateAlert } from './alerts.sql.js';
import { isMuted, removeMutesOf } from './mutes.sql.js';

/**
 * Raises and resolves alerts, for whoever notices something. Everything happens in the transaction of the caller: the
 * alert and its event are there when what was noticed is, and once.
 */
@Injectable()
export class Alerts {
  constructor(
    private readonly clock: Clock,
    private readonly relay: OutboxRelay,
  ) {}

  /**
   * Raises an alert, or counts on the one that is open, or that was resolved so lately that it still counts.
   * `alert.raised` is told once, and again with the same id when the alert gets worse or is no longer muted.
   * @returns the alert as it stands now
   */
  async raise(manager: EntityManager, occurrence: Occurrence): Promise<Alert> {
    const now = this.clock.now();
    const muted = await isMuted(manager, occurrence, now);
    const { workspaceId, shadow = false, at } = occurrence;
    const matter = { workspaceId, dedupeHash: dedupeHash(occurrence.dedupeKey), shadow, at };
    let live = await lockLive(manager, matter);
    if (!live) {
      const alert = toAlert(newId(), occurrence, { muted, raisedAt: now });
      if (await insertAlert(manager, alert)) {
        if (!alert.shadow && !alert.muted) await this.tell(manager, 'alert.raised', [alert], now);
        return shown(alert);
      }
      live = await lockLive(manager, matter);
    }
    if (!live) throw new Error('an alert was there and is gone');
    const after = happenedAgain(live, occurrence, { muted });
    await updateAlert(manager, after);
    if (isNews(live, after)) await this.tell(manager, 'alert.raised', [after], now);
    return shown(after);
  }

  /**
   * Resolves the open alert of a matter that is over, if there is one.
   * @returns whether there was
   */
  async resolve(
    manager: EntityManager,
    { workspaceId, dedupeKey, resolution }: { workspaceId: string; dedupeKey: string; resolution: string },
  ): Promise<boolean> {
    const at = this.clock.now();
    const open = await lockLive(manager, { workspaceId, dedupeHash: dedupeHash(dedupeKey), shadow: false, at });
    if (!open || open.status === 'resolved') return false;
    await this.end(manager, [open], { by: 'system', resolution });
    return true;
  }

  /** Resolves alerts that are locked and open. @returns them as they are then */
  async end(
    manager: EntityManager,
    open: readonly StoredAlert[],
    { by, resolution }: { by: string; resolution: string | null },
  ): Promise<StoredAlert[]> {
    const now = this.clock.now();
    const resolvedAt = now.toISOString();
    const ended = open.map((alert) => ({
      ...alert,
      status: 'resolved' as const,
      resolvedAt,
      resolvedBy: by,
      resolution,
      resolvesAt: null,
    }));
    for (const alert of ended) await updateAlert(manager, alert);
    const told = ended.filter(({ shadow, muted }) => !shadow && !muted);
    await this.tell(manager, 'alert.resolved', told, now);
    return ended;
  }

  /** After the transaction: tells without waiting for the relay's next look. */
  wake(): void {
    this.relay.wake();
  }

  /** Takes the person out of what is kept of a subject that was erased. @returns how many alerts */
  async forget(
    manager: EntityManager,
    of: { workspaceId: string; subject: string; pseudonym: string; until: Date },
  ): Promise<number> {
    await removeMutesOf(manager, of.workspaceId, of.subject);
    return anonymiseAlerts(manager, of);
  }

  private async tell(
    manager: EntityManager,
    type: 'alert.raised' | 'alert.resolved',
    alerts: readonly StoredAlert[],
    at: Date,
  ): Promise<void> {
    await appendToOutbox(
      manager,
      alerts.map((alert) => {
        const { workspaceId } = alert;
        return { topic: topics.alerts.name, key: workspaceId, type, data: { ...shown(alert), workspaceId }, at };
      }),
    );
  }
}

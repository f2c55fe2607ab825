import { appendAudit } from '@signet/audit';
import type { Alert, AlertMute, InputOf } from '@signet/contracts';
import { Clock, decodeCursor, newId, SignetError, toPage, type Caller } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { z } from 'zod';
import type { StoredAlert } from './alert.js';
import { Alerts } from './alerts.js';
import { findAlert, listAlerts, shown, updateAlert } from './alerts.sql.js';
import { deleteMute, insertMute, listMutes } from './mutes.sql.js';

interface Page<Item> {
  items: Item[];
  nextCursor: string | null;
}

const PositionSchema = z.tuple([z.iso.datetime(), z.uuid()]);
const MAX_MUTES = 200;

/** What people do with alerts. */
@Injectable()
export class AlertsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly alerts: Alerts,
  ) {}

  /** Newest first. @throws SignetError `invalid-cursor` */
  async list({ workspaceId }: Caller, { query }: InputOf<'listAlerts'>): Promise<Page<Alert>> {
    const { cursor, limit, ...filter } = query;
    const past = decodeCursor(cursor, PositionSchema);
    const found = await listAlerts(this.dataSource.manager, { ...filter, workspaceId, past, limit: limit + 1 });
    const { items, nextCursor } = toPage(found, limit, ({ raisedAt, id }) => [raisedAt, id]);
    return { items: items.map(shown), nextCursor };
  }

  /** @throws SignetError `not-found` */
  async get({ workspaceId }: Caller, id: string): Promise<Alert> {
    const found = await findAlert(this.dataSource.manager, { workspaceId, id });
    if (!found) throw new SignetError('not-found');
    return shown(found);
  }

  /** Who acknowledges first stays. @throws SignetError `not-found` | `alert-resolved` */
  acknowledge(caller: Caller, id: string): Promise<Alert> {
    return this.change(caller, { id, action: 'alert.acknowledge' }, async (manager, alert) => {
      if (alert.status === 'acknowledged') return alert;
      const acknowledgedAt = this.clock.now().toISOString();
      const after = { ...alert, status: 'acknowledged' as const, acknowledgedAt, acknowledgedBy: caller.actor };
      await updateAlert(manager, after);
      return after;
    });
  }

  /** @throws SignetError `not-found` | `alert-resolved` */
  assign(caller: Caller, { params, body }: InputOf<'assignAlert'>): Promise<Alert> {
    return this.change(caller, { id: params.id, action: 'alert.assign' }, async (manager, alert) => {
      const after = { ...alert, assignee: body.assignee };
      await updateAlert(manager, after);
      return after;
    });
  }

  /** @throws SignetError `not-found` | `alert-resolved` */
  async resolve(caller: Caller, { params, body }: InputOf<'resolveAlert'>): Promise<Alert> {
    const resolution = body.resolution ?? null;
    const resolved = await this.change(caller, { id: params.id, action: 'alert.resolve' }, async (manager, alert) => {
      const [after = alert] = await this.alerts.end(manager, [alert], { by: caller.actor, resolution });
      return after;
    });
    this.alerts.wake();
    return resolved;
  }

  /** @throws SignetError `quota-exceeded` */
  async mute(caller: Caller, { body }: InputOf<'createAlertMute'>): Promise<AlertMute> {
    const at = this.clock.now();
    const { seconds, kind = null, codeId = null, subject = null, reason = null } = body;
    const mute: AlertMute = {
      id: newId(),
      kind,
      codeId,
      subject,
      until: new Date(at.getTime() + seconds * 1000).toISOString(),
      reason,
      createdAt: at.toISOString(),
      createdBy: caller.actor,
    };
    await this.dataSource.transaction(async (manager) => {
      if (!(await insertMute(manager, caller.workspaceId, mute, MAX_MUTES)))
        throw new SignetError('quota-exceeded', {
          detail: `A workspace has at most ${MAX_MUTES} mutes`,
          limit: MAX_MUTES,
        });
      await this.audit(manager, caller, 'alert.mute', {
        ...(subject !== null && { subject }),
        ...(codeId !== null && { codeId }),
        ...(kind !== null && { result: kind }),
        ...(reason !== null && { reason }),
      });
    });
    return mute;
  }

  async mutes({ workspaceId }: Caller, { query }: InputOf<'listAlertMutes'>): Promise<Page<AlertMute>> {
    const beforeId = decodeCursor(query.cursor, z.uuid());
    const filter = { beforeId, limit: query.limit + 1, now: this.clock.now() };
    const found = await listMutes(this.dataSource.manager, workspaceId, filter);
    return toPage(found, query.limit, ({ id }) => id);
  }

  /** @throws SignetError `not-found` */
  async unmute(caller: Caller, id: string): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      if (!(await deleteMute(manager, caller.workspaceId, id))) throw new SignetError('not-found');
      await this.audit(manager, caller, 'alert.unmute', {});
    });
  }

  private change(
    caller: Caller,
    { id, action }: { id: string; action: string },
    work: (manager: EntityManager, alert: StoredAlert) => Promise<StoredAlert>,
  ): Promise<Alert> {
    return this.dataSource.transaction(async (manager) => {
      const alert = await findAlert(manager, { workspaceId: caller.workspaceId, id, lock: true });
      if (!alert) throw new SignetError('not-found');
      if (alert.status === 'resolved') throw new SignetError('alert-resolved');
      const after = await work(manager, alert);
      await this.audit(manager, caller, action, { alertId: id });
      return shown(after);
    });
  }

  private async audit(
    manager: EntityManager,
    { workspaceId, actor, requestId }: Caller,
    action: string,
    of: { alertId?: string; subject?: string; codeId?: string; result?: string; reason?: string },
  ): Promise<void> {
    await appendAudit(manager, { at: this.clock.now(), workspaceId, actor, action, ...of, requestId });
  }
}

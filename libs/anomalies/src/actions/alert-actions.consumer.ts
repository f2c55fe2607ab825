import { CodeLifecycleService } from '@signet/codes';
import { AlertEventSchema, topics, type AlertEvent, type Code } from '@signet/contracts';
import { SubjectDemands } from '@signet/mfa';
import {
  Clock,
  counter,
  eventGroup,
  LOGGER,
  Registry,
  SignetError,
  type Caller,
  type Counter,
  type EventBatch,
  type Logger,
} from '@signet/platform';
import { Controller, Inject } from '@nestjs/common';
import { EventPattern } from '@nestjs/microservices';
import { DataSource } from 'typeorm';
import { DAY_MS, HOUR_MS } from '../finding.js';
import { isDone, noteDone } from './alert-actions.sql.js';

/** The consumer group of the control plane, which does what alerts ask for. */
export const ALERT_ACTIONS_GROUP = 'signet-alert-actions';
/** What comes later is left to people: the matter may be settled, and a code needed. */
const LATE_MS = HOUR_MS;
/** Longer than alerts are in the log. */
const REMEMBERED_MS = 100 * DAY_MS;

type CodeAction = 'pause_code' | 'revoke_code';

/**
 * Does what an alert asks for, through the services that people use, in the name of the alert. Once for each alert and
 * action, though the alert comes again: repeated after a crash it finds the code paused, or revoked, already.
 */
@Controller()
export class AlertActionsConsumer {
  private readonly done: Counter<'action'>;

  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly codes: CodeLifecycleService,
    private readonly demands: SubjectDemands,
    @Inject(LOGGER) private readonly logger: Logger,
    metrics: Registry,
  ) {
    this.done = counter(metrics, 'signet_alert_actions_total', 'What was done of itself because of an alert', [
      'action',
    ]);
  }

  @EventPattern(topics.alerts.name, eventGroup(ALERT_ACTIONS_GROUP))
  async onAlerts({ events }: EventBatch): Promise<void> {
    const latest = this.clock.now().getTime() - LATE_MS;
    for (const { event } of events) {
      if (event.type !== 'alert.raised' || Date.parse(event.time) < latest) continue;
      await this.act(AlertEventSchema.parse(event).data);
    }
  }

  private async act(alert: AlertEvent['data']): Promise<void> {
    if (alert.shadow || alert.muted) return;
    if (alert.actions.includes('step_up')) await this.demand(alert);
    for (const action of ['pause_code', 'revoke_code'] as const)
      if (alert.actions.includes(action) && alert.codeId !== null) await this.end(alert, action, alert.codeId);
  }

  private async demand({ id, workspaceId, subject, stepUpUntil }: AlertEvent['data']): Promise<void> {
    if (subject === null || stepUpUntil === null) return;
    const demand = { workspaceId, subject, until: new Date(stepUpUntil), alertId: id };
    const isNew = await this.dataSource.transaction((manager) => this.demands.demand(manager, demand));
    if (isNew) this.done.inc({ action: 'step_up' });
  }

  private async end(alert: AlertEvent['data'], action: CodeAction, codeId: string): Promise<void> {
    const { manager } = this.dataSource;
    const what = { alertId: alert.id, action, codeId };
    if (await isDone(manager, what)) return;
    try {
      await this.change(alert, action, codeId);
      this.done.inc({ action });
    } catch (error) {
      if (!(error instanceof SignetError) || error.status >= 500) throw error;
      // Revoked meanwhile, archived, or gone: there is nothing left to do.
      this.logger.info(
        { alertId: alert.id, codeId, action, kind: error.kind },
        'an alert asked for what cannot be done',
      );
    }
    const at = this.clock.now();
    await noteDone(manager, what, { at, forgetBefore: new Date(at.getTime() - REMEMBERED_MS) });
  }

  private change({ id, workspaceId, kind }: AlertEvent['data'], action: CodeAction, codeId: string): Promise<Code> {
    const caller: Caller = { workspaceId, keyId: id, scopes: [], actor: `alert:${id}`, requestId: id };
    const which = { id: codeId, ifMatch: undefined };
    return action === 'pause_code'
      ? this.codes.pause(caller, which)
      : this.codes.revoke(caller, which, `The rule ${kind} found something`);
  }
}

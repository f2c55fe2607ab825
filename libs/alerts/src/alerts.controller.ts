import type { Alert, AlertMute, InputOf } from '@signet/contracts';
import { CurrentCaller, Input, Operation, type Caller } from '@signet/platform';
import { Controller } from '@nestjs/common';
import { AlertsService } from './alerts.service.js';

@Controller()
export class AlertsController {
  constructor(private readonly alerts: AlertsService) {}

  @Operation('listAlerts')
  list(
    @CurrentCaller() caller: Caller,
    @Input() input: InputOf<'listAlerts'>,
  ): Promise<{ items: Alert[]; nextCursor: string | null }> {
    return this.alerts.list(caller, input);
  }

  @Operation('getAlert')
  get(@CurrentCaller() caller: Caller, @Input() { params }: InputOf<'getAlert'>): Promise<Alert> {
    return this.alerts.get(caller, params.id);
  }

  @Operation('acknowledgeAlert')
  acknowledge(@CurrentCaller() caller: Caller, @Input() { params }: InputOf<'acknowledgeAlert'>): Promise<Alert> {
    return this.alerts.acknowledge(caller, params.id);
  }

  @Operation('assignAlert')
  assign(@CurrentCaller() caller: Caller, @Input() input: InputOf<'assignAlert'>): Promise<Alert> {
    return this.alerts.assign(caller, input);
  }

  @Operation('resolveAlert')
  resolve(@CurrentCaller() caller: Caller, @Input() input: InputOf<'resolveAlert'>): Promise<Alert> {
    return this.alerts.resolve(caller, input);
  }

  @Operation('createAlertMute')
  mute(@CurrentCaller() caller: Caller, @Input() input: InputOf<'createAlertMute'>): Promise<AlertMute> {
    return this.alerts.mute(caller, input);
  }

  @Operation('listAlertMutes')
  mutes(
    @CurrentCaller() caller: Caller,
    @Input() input: InputOf<'listAlertMutes'>,
  ): Promise<{ items: AlertMute[]; nextCursor: string | null }> {
    return this.alerts.mutes(caller, input);
  }

  @Operation('deleteAlertMute')
  unmute(@CurrentCaller() caller: Caller, @Input() { params }: InputOf<'deleteAlertMute'>): Promise<void> {
    return this.alerts.unmute(caller, params.id);
  }
}

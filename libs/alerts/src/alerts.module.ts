import { Module } from '@nestjs/common';
import { AlertsController } from './alerts.controller.js';
import { AlertsService } from './alerts.service.js';
import { AlertsUpkeep } from './alerts-upkeep.js';
import { Alerts } from './alerts.js';

/** `/v1/alerts`, and `Alerts` for whoever raises some. */
@Module({
  controllers: [AlertsController],
  providers: [Alerts, AlertsService, AlertsUpkeep],
  exports: [Alerts],
})
export class AlertsModule {}

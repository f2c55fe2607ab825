import { AlertsModule } from '@signet/alerts';
import { Module } from '@nestjs/common';
import { AnomaliesConsumer } from './anomalies.consumer.js';
import { AnomaliesController } from './anomalies.controller.js';
import { AnomaliesUpkeep } from './anomalies-upkeep.js';
import { BacktestService } from './backtest.service.js';
import { Detector } from './detector.js';
import { AnomalyRulesService } from './rules.service.js';

/** Looks for what is unusual in the events of the log, and `/v1/anomaly-rules`. */
@Module({
  imports: [AlertsModule],
  controllers: [AnomaliesConsumer, AnomaliesController],
  providers: [Detector, AnomalyRulesService, BacktestService, AnomaliesUpkeep],
})
export class AnomaliesModule {}
